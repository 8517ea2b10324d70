import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { path } from '../../../kit/http/address.ts';
import { withUndo } from '../../../kit/undo.ts';
import { run } from '../api/tasks.ts';
import { type Config, configOf } from '../api/wire.ts';
import { memoryOf } from '../machine/hardware.ts';
import { isRunning, readLive } from '../machine/live.ts';
import type { Machine } from '../machine/machine.ts';
import { netIdentity, netKeys } from '../machine/nics.ts';
import { writeTags } from '../machine/ownership.ts';
import { readConfig } from '../machine/read.ts';
import { type Session, under } from '../machine/session.ts';
import { switchOn } from '../machine/switch.ts';
import { writeConfig } from '../machine/write-config.ts';
import { takeBuilt } from './handlers.ts';
import { readSnapshots } from './snapshot-tasks.ts';
import { pickSnapshot, refused } from './snapshots.ts';

/**
 * Puts the disks back. The configuration of that day would come along: it is replaced by today's
 * before the machine starts, since its old network may be somebody else's by now.
 */
export async function restoreSnapshot(
  session: Session,
  instance: Instance,
  name: string,
): Promise<Outcome> {
  const machine = await takeBuilt(session, instance);
  const snapshot = pickSnapshot(await readSnapshots(session, machine), name);
  const ran = isRunning(await readLive(session, machine));
  if (snapshot.memory) await checkMemoryFits(session, machine, name, ran);
  const { vmid, node } = machine;
  await putBack(session, machine, ran, async () => {
    await run(session, {
      path: path`/nodes/${node}/qemu/${vmid}/snapshot/${name}/rollback`,
      what: `restore snapshot ${name} of machine ${vmid}`,
      doing: `restoring snapshot ${name}`,
    });
    await keepToday(session, machine);
    if (ran && !isRunning(await readLive(session, machine))) await switchOn(session, machine);
  });
  return { message: `Snapshot ${name} was restored` };
}

/**
 * Saved memory goes on at once where it stopped, on the NICs and with the size of that day; only
 * where these are today's is that right.
 */
async function checkMemoryFits(
  session: Session,
  { vmid, node, config }: Machine,
  name: string,
  ran: boolean,
): Promise<void> {
  if (!ran) {
    throw refused(
      'conflict',
      `Snapshot ${name} holds memory and would start the instance: start it first`,
    );
  }
  const ask = { what: `read snapshot ${name} of machine ${vmid}` };
  const then = configOf(
    await session.api.get(path`/nodes/${node}/qemu/${vmid}/snapshot/${name}/config`, ask),
  );
  if (identity(then) === identity(config)) return;
  throw refused(
    'conflict',
    `Snapshot ${name} holds memory, and the network or size of the instance has changed since`,
  );
}

function identity(config: Config): string {
  const nets = [...netKeys(config)].sort().map((key) => `${key} ${netIdentity(config[key] ?? '')}`);
  const { cores = '1', sockets = '1' } = config;
  return [...nets, cores, sockets, memoryOf(config)].join('\n');
}

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
  if (now['tags'] !== today['tags']) await writeTags(session, machine, today['tags'] ?? '');
}

/**
 * Runs what puts disks back and then brings network, size and power to what they are today. When it
 * fails, a machine that ran is brought back likewise, unless its task still runs: that says so itself.
 */
export function putBack(
  session: Session,
  machine: Machine,
  ran: boolean,
  work: () => Promise<void>,
): Promise<void> {
  return withUndo(session.context, async (undo) => {
    undo.add(`bring machine ${machine.vmid} back`, async (deadline) => {
      const margin = under(session, deadline);
      if (await isHeld(margin, machine)) return;
      await keepToday(margin, machine);
      if (ran && !isRunning(await readLive(margin, machine))) await switchOn(margin, machine);
    });
    await work();
  });
}

/** Its task, or what that has left, holds the machine: there is nothing that we could do. */
async function isHeld(session: Session, machine: Machine): Promise<boolean> {
  const { lock } = await readConfig(session, machine);
  return lock !== undefined;
}
