import type { Outcome } from '../../../contract/action.ts';
import type { Deadline, Undo } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Snapshot } from '../../../contract/snapshot.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { keepDisks } from '../../../lifecycle/keep-disks.ts';
import { run } from '../api/tasks.ts';
import { type Config, configOf } from '../api/wire.ts';
import { keepSeed } from '../guest/keep-seed.ts';
import { readClusterResources } from '../machine/capacity.ts';
import { memoryOf, writeConfig } from '../machine/config.ts';
import type { DataDisk } from '../machine/data-disks.ts';
import { disksOf, rootDisk } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import { writeTags } from '../machine/mark.ts';
import { netIdentity, netKeys } from '../machine/nics.ts';
import { switchOn } from '../machine/power.ts';
import { ensureStaysOff } from '../machine/power-off.ts';
import { isRunning, readConfig, readLive } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { readOwnBackup } from './backups.ts';

/* Disks that are put back, from a snapshot or a backup, with the configuration of today. */

const kept =
  /^(net\d+|cores|sockets|vcpus|memory|balloon|cpu|name|description|tags|onboot|protection|ipconfig\d+|sshkeys|ciuser|nameserver)$/;

/** Brings network, size, name and mark back to what they were before disks were put back. */
export async function keepToday(session: Session, machine: Machine): Promise<void> {
  const now = await readConfig(session, machine);
  const { config: today } = machine;
  const set = Object.entries(today).filter(
    ([option, value]) => kept.test(option) && option !== 'tags' && now[option] !== value,
  );
  const gone = Object.keys(now).filter(
    (option) => kept.test(option) && today[option] === undefined,
  );
  const form = Object.fromEntries(set);
  await writeConfig(
    session,
    machine,
    gone.length === 0 ? form : { ...form, delete: gone.join(',') },
    `keep network and size of machine ${machine.vmid}`,
  );
  await keepSeed(session, machine, { today, now });
  if (now['tags'] !== today['tags']) await writeTags(session, machine, today['tags'] ?? '');
}

/**
 * Why a snapshot with memory cannot be restored: the memory goes on at once where it stopped, on the
 * NICs and with the size of that day, which is right only where these are today's.
 */
export async function memoryMismatch(
  { api }: Session,
  { vmid, node, config }: Machine,
  { name, memory }: Snapshot,
  ran: boolean,
): Promise<string | undefined> {
  if (!memory) return undefined;
  if (!ran) {
    return `Snapshot ${name} holds memory and would start the instance: start it first`;
  }
  const ask = { what: `read snapshot ${name} of machine ${vmid}` };
  const then = configOf(
    await api.get(path`/nodes/${node}/qemu/${vmid}/snapshot/${name}/config`, ask),
  );
  if (identity(then) === identity(config)) return undefined;
  return `Snapshot ${name} holds memory, and the network, size or disks of the instance have changed since`;
}

function identity(config: Config): string {
  const root = rootDisk(config)?.key;
  const data = disksOf(config).filter(({ key }) => key !== root);
  const nets = [...netKeys(config)].sort().map((key) => `${key} ${netIdentity(config[key] ?? '')}`);
  const { cores = '1', sockets = '1' } = config;
  return [
    ...nets,
    ...data.map(({ key, volume }) => `${key} ${volume}`),
    cores,
    sockets,
    memoryOf(config),
  ].join('\n');
}

// ---- backups ----

interface Call {
  readonly machine: Machine;
  readonly instance: Instance;
  readonly parameters: { readonly backup: string };
  readonly undo: Undo;
}

/**
 * Puts the disks back; the configuration of that day gives way to today's before anything starts. When
 * it fails, a machine that ran is brought back likewise, unless its task still holds it.
 */
export async function restoreBackup(
  session: Session,
  { machine, instance, parameters: { backup }, undo }: Call,
): Promise<Outcome> {
  const archived = await readOwnBackup(session, { machine, instance }, backup);
  if (archived === undefined) {
    const sentence = 'This is no backup of this instance';
    throw new Failure('denied', sentence, { tenant: sentence });
  }
  const keepData = await diskKeeper(session, { machine, instance }, archived);
  const ran = await ensureStaysOff(session, machine);
  undo.add(`bring machine ${machine.vmid} back`, async (deadline) => {
    const margin = session.at(deadline);
    if ((await readConfig(margin, machine))['lock'] !== undefined) return;
    await keepToday(margin, machine);
    await keepData(deadline);
    if (ran && !isRunning(await readLive(margin, machine))) await switchOn(margin, machine);
  });
  await putBack(session, machine, backup);
  await keepToday(session, machine);
  await keepData(session.context.deadline);
  if (ran) await switchOn(session, machine);
  return { message: 'The backup was restored' };
}

/**
 * Proxmox VE deletes a disk whose place the archive fills, also when it is another one than the archive
 * holds, and parks all others. Answers what attaches the parked ones again.
 */
async function diskKeeper(
  session: Session,
  { machine, instance }: Pick<Call, 'machine' | 'instance'>,
  archived: string,
): Promise<(deadline: Deadline) => Promise<void>> {
  const { disks } = await import('./disks.ts');
  const driver = disks(session, (deadline) => readClusterResources(session.at(deadline)));
  const step = { instance, deadline: session.context.deadline };
  const before = (await driver.list(machine, step)).disks;
  const lost = before.filter((disk) => isOverwritten(disk, archived)).map(({ key }) => key);
  if (lost.length > 0) {
    const sentence = `The backup would overwrite ${lost.join(', ')}, which it does not hold: detach it first`;
    throw new Failure('conflict', sentence, { tenant: sentence });
  }
  return (deadline) => keepDisks(driver, machine, before, { instance, deadline });
}

function isOverwritten({ key, volume, options, root, slot }: DataDisk, archived: string): boolean {
  if (root || slot === undefined) return false;
  const [, there] = new RegExp(`^${key}: (.*)$`, 'm').exec(archived) ?? [];
  if (there === undefined || there.split(',')[0] === volume) return false;
  // A disk that was restored before has another volume, and the serial number of the one before.
  return !options.some((option) => option.startsWith('serial=') && there.includes(`,${option}`));
}

/** Cut off half-way it would leave no disk at all, so that it is never cancelled. */
async function putBack(
  session: Session,
  { vmid, node, config }: Machine,
  archive: string,
): Promise<void> {
  const { pool } = session.settings;
  const storage = rootDisk(config)?.storage;
  await run(session, {
    path: path`/nodes/${node}/qemu`,
    params: {
      ...{ vmid, archive, force: 1 },
      ...(storage === undefined ? {} : { storage }),
      ...(pool === undefined ? {} : { pool }),
    },
    what: `restore machine ${vmid} from ${archive}`,
    doing: `restoring machine ${vmid}`,
  });
}
