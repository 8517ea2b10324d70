import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mapLimit } from '../../../src/kit/map-limit.ts';
import type { RemoteMachine } from '../../conformance/backend.ts';
import type { Counters } from './counters.ts';
import type { ForeignMachine } from './foreign-machines.ts';
import type { Item } from './items.ts';
import type { ManagementServer } from './management-server.ts';
import { askStatuses } from './reports.ts';
import { isBuilt, isOwn } from './settle.ts';
import type { Host, System } from './system.ts';

interface World {
  readonly managementServer: ManagementServer;
  readonly systems: readonly System[];
  readonly hosts: readonly Host[];
  readonly items: readonly Item[];
  readonly foreignMachines: readonly ForeignMachine[];
  readonly counters: Counters;
  readonly processes: number;
}

/** The machines are those that CloudStack believes in, and no others; in the end nothing of ours is left. */
export async function checkSteadyState(world: World): Promise<void> {
  const { managementServer, hosts, items, counters, processes } = world;
  for (const host of hosts) {
    const wrong = await askStatuses(managementServer, host, items);
    for (const [item, what] of wrong) counters.violation(what, item);
  }
  await checkMachines(world, 'after the chaos run');
  checkFiles(world, 'after the chaos run');
  await mapLimit(items, processes, async (item) => {
    if (item.belief !== 'running' && item.belief !== 'stopped') return;
    for (const action of ['stop', 'delete']) {
      const { outcome, text } = await managementServer.call(item, action);
      if (outcome !== 'done')
        counters.violation(`${item.host.name}: ${action} in the end: ${text}`, item);
    }
    Object.assign(item, { belief: 'expunged', sure: true });
  });
  await checkMachines(world, 'in the end');
  checkFiles(world, 'in the end');
  checkLog(world);
}

async function checkMachines({ systems, items, foreignMachines, counters }: World, when: string) {
  for (const system of systems) {
    const { provider } = system.backend;
    const say = (what: string, item?: Item): void =>
      counters.violation(`${provider}: ${when} ${what}`, item);
    const machines = await atRest(system);
    const others = foreignMachines.filter((foreignMachine) => foreignMachine.system === system);
    for (const { remoteId, all } of others) {
      const now = machines.find((machine) => machine.remoteId === remoteId);
      if (now?.all !== all) say(`the foreign machine ${remoteId} was ${all} and is ${now?.all}`);
    }
    const own = items.filter(({ host }) => host.system === system);
    const known = new Set(others.map(({ remoteId }) => remoteId));
    for (const item of own) {
      const found = machines.filter(({ mark }) => isOwn(mark, item));
      for (const { remoteId } of found) known.add(remoteId);
      const wrong = machineFault(item, found);
      if (wrong !== undefined) say(`${item.vm.name} (${item.belief}) ${wrong}`, item);
    }
    for (const { remoteId, all } of machines) {
      if (!known.has(remoteId)) say(`${remoteId} belongs to no instance: ${all}`);
    }
    for (const what of system.leftovers()) say(what);
  }
}

function machineFault({ vm, belief }: Item, found: readonly RemoteMachine[]): string | undefined {
  const [machine] = found;
  const exists = belief === 'running' || belief === 'stopped';
  if (found.length !== (exists ? 1 : 0)) return `has ${found.length} machines`;
  if (machine === undefined) return undefined;
  if (!isBuilt(machine.mark)) return 'has a machine that is not finished';
  if (machine.power !== (belief === 'running' ? 'on' : 'off')) return `has power ${machine.power}`;
  if (machine.physical === true) return undefined;
  const { cpus, memoryMb, nics } = machine;
  const wired = (list: typeof nics): string =>
    list.map(({ mac, vlan }) => `${mac} ${vlan}`).join(', ');
  if (wired(nics) !== wired(vm.nics)) return `has NICs ${wired(nics)} and not ${wired(vm.nics)}`;
  return cpus === vm.cpus && memoryMb === vm.memoryMb
    ? undefined
    : `has ${cpus} CPUs, ${memoryMb} MB`;
}

/** A released machine needs a moment to be free again. */
async function atRest({ backend }: System): Promise<readonly RemoteMachine[]> {
  for (let left = 20; ; left -= 1) {
    const machines = await backend.machines();
    const leaving = machines.some(({ all }) =>
      /"status_name":"(Releasing|Disk erasing)"/.test(all),
    );
    if (!leaving || left === 0) return machines;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The files that may stay: machines of the simulator, notes of what a report has seen, and memories of failures. */
const meant =
  /^(\.local\/state\/outrigger\/(proxmox\/changed|maas\/seen-[A-Za-z0-9._-]+|simulator\/(simulator\.json|failures\.log|machines\/[a-z0-9][a-z0-9-]*\.json))|memo\/[A-Za-z0-9_-]{43}\.json|log\/outrigger\.log(\.\d)?)$/;

function checkFiles({ managementServer, counters }: World, when: string): void {
  const { folder } = managementServer.place;
  const state = filesBelow(join(folder, 'home'));
  const memo = filesBelow(join(folder, 'memo')).map((path) => `memo/${path}`);
  const log = filesBelow(join(folder, 'log')).map((path) => `log/${path}`);
  for (const path of [...state, ...memo, ...log]) {
    if (!meant.test(path)) counters.violation(`the file ${path} is left ${when}`);
  }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (!lstatSync(path).isDirectory()) return [name];
    return filesBelow(path).map((below) => `${name}/${below}`);
  });
}

/** Every line of the many writers is whole, and nothing happened that "should not happen". */
function checkLog({ managementServer, systems, counters }: World): void {
  const secrets = systems.flatMap(({ backend }) => backend.secrets);
  for (const name of readdirSync(join(managementServer.place.folder, 'log'))) {
    const text = readFileSync(join(managementServer.place.folder, 'log', name), 'utf8');
    if (secrets.some((secret) => text.includes(secret)))
      counters.violation(`${name} tells a secret`);
    for (const line of text.split('\n').slice(0, -1)) checkLine(line, counters);
  }
}

function checkLine(line: string, counters: Counters): void {
  try {
    const { outcome, error } = JSON.parse(line) as Record<string, unknown>;
    if (outcome === 'internal') counters.violation(`the log has an inner error: ${error}`);
  } catch {
    counters.violation(`the log has half a line: ${line.slice(0, 200)}`);
  }
}
