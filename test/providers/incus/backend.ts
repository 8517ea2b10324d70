import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fingerprintOf } from '../../../fakes/http/keys.ts';
import { marking, type Remote, uuidKey } from '../../../src/providers/incus/api/wire.ts';
import { incus } from '../../../src/providers/incus/index.ts';
import type { Backend, RemoteMachine } from '../../conformance/backend.ts';
import { judgeBy } from '../../conformance/break.ts';
import type { Details } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import { dataDisksIn, nameOf, type Volume } from './data-disks.ts';
import { type CuttingProxy, startProxy } from './proxy.ts';
import type { Identity, Server } from './server.ts';

export interface IncusBackend extends Backend {
  readonly proxy: CuttingProxy;
  readonly project: string;
  /** The names of the case's bridges but for the VLAN. */
  readonly bridges: string;
}

let projects = 0;

/** The VLANs of the suite's instances; 0 is the bridge without a tag. */
const vlans = [0, 1577, 2000, 2001, 2100, 2101, 3000, 3001] as const;

/** A genuine server as the conformance suite looks into it and disturbs it: one project a case. */
export async function incusBackend(
  genuine: Server,
  place: Place,
  more: Details = {},
): Promise<IncusBackend> {
  projects += 1;
  const project = `case${projects}`;
  // The server takes no MAC twice on one bridge, and bridges are the machine's: each case has its own.
  const bridges = `o${process.pid.toString(36)}${projects.toString(36)}v`;
  setBridges(vlans.map((vlan) => `link add ${bridges}${vlan} type bridge`));
  const shared = { 'features.images': 'false', 'features.profiles': 'false' };
  await genuine.ask('POST', '/1.0/projects', { name: project, config: shared });
  const proxy = await startProxy(genuine);
  const at = (name: string, tail = ''): string =>
    `/1.0/instances/${name}${tail}${tail.includes('?') ? '&' : '?'}project=${project}`;
  const change = (name: string, config: Details) => genuine.ask('PATCH', at(name), { config });
  const all = async () =>
    (await genuine.ask('GET', `/1.0/instances?recursion=1&project=${project}`)) as Remote[];
  const power = (name: string, action: string) =>
    genuine.ask('PUT', at(name, '/state'), { action, force: true, timeout: 30 });
  const remove = async ({ name, status }: Pick<Remote, 'name' | 'status'>) => {
    if (status !== 'Stopped') await power(name, 'stop');
    await change(name, { 'security.protection.delete': '' });
    await genuine.ask('DELETE', at(name));
  };
  const one = async (name: string) => (await genuine.ask('GET', at(name))) as Remote;
  const content = (name: string) => join(genuine.rootOf(project, name), 'content');
  const volumes = async () =>
    (await genuine.ask(
      'GET',
      `/1.0/storage-pools/default/volumes/custom?recursion=1&project=${project}`,
    )) as Volume[];
  const look = (machine: Remote, all: readonly Volume[]): RemoteMachine => ({
    ...looked(
      machine,
      existsSync(content(machine.name)) ? readFileSync(content(machine.name), 'utf8') : '',
    ),
    dataDisks: dataDisksIn(machine, all, (name) => genuine.volumeOf(project, name)),
  });
  const image = async (name: string): Promise<{ readonly target: string }> =>
    (await genuine.ask('GET', `/1.0/images/aliases/${name}`)) as { target: string };
  const { target } = await image('busybox');
  await genuine.ask('POST', '/1.0/images/aliases', { name: project, target });
  let identity = genuine.own;
  let during = 0;

  return {
    proxy,
    project,
    bridges,
    registry: { incus: async () => incus },
    provider: 'incus',
    details: () => ({
      host: {
        ...{ url: proxy.url, tls_fingerprint: fingerprintOf('trusted') },
        ...secretsIn(place, identity),
        ...{ project, bridge: `${bridges}0`, vlan_bridge: `${bridges}{vlan}`, ...more },
      },
    }),
    chosen: { template_id: project },
    secrets: [genuine.own.key, genuine.restricted.key],
    lacks: {
      ...(genuine.edition === 'lxd' ? { reinstall: 'LXD 5.0 cannot rebuild an instance' } : {}),
      slowTasks:
        'what the server was told goes on by itself, and takes its real time to be undone; own-cases.ts has it with enough time',
      setPower: 'the server cannot save the memory of a container without CRIU',
      makeTemplate: 'the server has no templates but images',
      screen: 'the server has no screen that CloudStack could show',
      elsewhere: "the tests' own server is no cluster",
      move: "the tests' own server is no cluster",
    },
    async machines() {
      const disks = await volumes();
      return (await all()).map((each) => look(each, disks));
    },
    async plant({ name: wanted, mark, power: to = 'off' }) {
      const taken = (await all()).map(({ name }) => name);
      const clean = wanted.replace(/[^A-Za-z0-9-]/g, '-').replace(/^[^A-Za-z]/, 'x');
      const name = taken.includes(clean) ? `${clean}-${taken.length}` : clean;
      const config = mark === undefined ? {} : marking(mark(name));
      const source = { type: 'image', alias: project };
      const size = { 'limits.cpu': '1', 'limits.memory': String(64 * 2 ** 20) };
      const json = { name, type: 'container', source, profiles: ['default'] };
      await genuine.ask('POST', `/1.0/instances?project=${project}`, {
        ...{ ...json, config: { ...size, ...config } },
      });
      if (to === 'on') await power(name, 'start');
      return name;
    },
    removeBehind: async (name) => remove(await one(name)),
    async outage(on) {
      during = 0;
      const count = () => {
        during += 1;
        return 'lost-request' as const;
      };
      proxy.disturb(on ? count : undefined);
    },
    callsDuringOutage: async () => during,
    async withdrawRights(on) {
      identity = on ? genuine.restricted : genuine.own;
    },
    async elsewhereApi(on) {
      proxy.disturb(on ? () => 404 : undefined);
    },
    async breakOff(where) {
      const { judge, changes } = judgeBy(where);
      proxy.disturb((method) => {
        const how = judge(method !== 'GET');
        return how === undefined ? undefined : how === 'before' ? 'lost-request' : 'lost-answer';
      });
      return {
        changes,
        async mend() {
          proxy.disturb(undefined);
          await idle(genuine, project);
        },
      };
    },
    async copy(source) {
      const name = `${source}-copy`;
      const { config, devices, profiles } = await one(source);
      const lasting = Object.entries(config).filter(([key]) => !key.startsWith('volatile.'));
      const json = {
        ...{ name, devices, profiles, config: Object.fromEntries(lasting) },
        source: { type: 'copy', source },
      };
      await genuine.ask('POST', `/1.0/instances?project=${project}`, json);
      return name;
    },
    boots: async (name) =>
      Date.parse(((await one(name)) as unknown as { last_used_at: string }).last_used_at),
    async protect(name) {
      await change(name, { 'security.protection.delete': 'true' });
    },
    changeDisk: async (name) => writeFileSync(content(name), 'written over'),
    async changeDataDisk(name, disk) {
      const { config } = await one(name);
      const own = (await volumes()).find(
        (each) => nameOf(each) === disk && each.config[uuidKey] === config[uuidKey],
      );
      writeFileSync(join(genuine.volumeOf(project, own?.name ?? ''), 'content'), 'written over');
    },
    dataDisks: async () => {
      const machines = await all();
      return (await volumes()).map((each) => ({
        machine:
          machines.find(({ config }) => config[uuidKey] === each.config[uuidKey])?.name ?? '',
        name: nameOf(each),
      }));
    },
    async damage(name) {
      const { config } = await one(name);
      const cut = config['user.outrigger.mark']?.slice(0, 40) ?? '';
      await change(name, { 'user.outrigger.mark': cut });
    },
    taskMs: async (ms) => proxy.holdTasks(ms),
    async failTasks(on) {
      const { target } = await image(on ? 'broken' : 'busybox');
      await genuine.ask('PUT', `/1.0/images/aliases/${project}`, { target });
    },
    async fill(on) {
      const used = (await all())
        .map(({ config }) => Number(config['limits.memory'] ?? 0))
        .reduce((sum, bytes) => sum + bytes, 0);
      const at = `/1.0/projects/${project}`;
      const now = (await genuine.ask('GET', at)) as { readonly config: Details };
      const config = { ...now.config, 'limits.memory': on ? String(Math.max(used, 1024)) : '' };
      await genuine.ask('PUT', at, { config });
    },
    async ignoreShutdown(on) {
      for (const { name } of await all()) {
        const file = join(genuine.rootOf(project, name), 'deaf');
        if (on) writeFileSync(file, '');
        else rmSync(file, { force: true });
      }
    },
    async close() {
      await proxy.close();
      await idle(genuine, project);
      await Promise.all((await all()).map(remove));
      for (const { name } of await volumes()) {
        const at = `/1.0/storage-pools/default/volumes/custom/${name}`;
        await genuine.ask('DELETE', `${at}?project=${project}`);
      }
      setBridges(vlans.map((vlan) => `link del ${bridges}${vlan}`));
      await genuine.ask('DELETE', `/1.0/images/aliases/${project}`);
      await genuine.ask('DELETE', `/1.0/projects/${project}`);
    },
  };
}

function setBridges(commands: readonly string[]): void {
  execFileSync('ip', ['-batch', '-'], { input: `${commands.join('\n')}\n` });
}

function secretsIn({ folder }: Place, { cert, key }: Identity): Details {
  const directory = join(folder, 'secrets');
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(join(directory, 'client.crt'), cert, { mode: 0o640 });
  writeFileSync(join(directory, 'client.key'), key, { mode: 0o640 });
  return { client_cert_file: 'client.crt', client_key_file: 'client.key' };
}

/** Tasks that began before a connection was cut go on; this ends when they have ended. */
async function idle(genuine: Server, project: string): Promise<void> {
  for (;;) {
    const tasks = (await genuine.ask('GET', `/1.0/operations?project=${project}`)) as Record<
      string,
      unknown[]
    >;
    if ((tasks['running'] ?? []).length === 0) return;
    await pause(50);
  }
}

const powers: Readonly<Record<string, RemoteMachine['power']>> = {
  ...{ Running: 'on', Stopped: 'off', Frozen: 'paused' },
};

function looked(machine: Remote, content: string): RemoteMachine {
  const { name, status, config, devices, profiles, type, description } = machine;
  const lasting = Object.entries(config).filter(([key]) => !key.startsWith('volatile.'));
  const power = powers[status] ?? 'other';
  const nics = Object.entries(devices).filter(([, device]) => device['type'] === 'nic');
  return {
    ...{ remoteId: name, name, power, mark: config['user.outrigger.mark'] ?? '' },
    cpus: Number(config['limits.cpu'] ?? 0),
    memoryMb: Number(config['limits.memory'] ?? 0) / 2 ** 20,
    nics: nics
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, { hwaddr: mac = '', parent }]) => ({ mac, vlan: vlanOf(parent) })),
    disk: `${content} of ${config['volatile.uuid']}`,
    all: JSON.stringify({ name, status, lasting, devices, profiles, type, description, content }),
  };
}

function vlanOf(bridge: string | undefined): number | 'untagged' {
  const vlan = Number(bridge?.split('v').pop() ?? 0);
  return vlan === 0 ? 'untagged' : vlan;
}
