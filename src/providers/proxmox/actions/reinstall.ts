import type { Outcome } from '../../../contract/action.ts';
import type { Undo } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { cancel } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { flagOf, recordOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { cloudInitForNewDisk } from '../machine/cloud-init.ts';
import { formOf, writeConfig } from '../machine/config.ts';
import { type Disk, growDisk, rootDisk } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import { switchOn } from '../machine/power.ts';
import { ensureStaysOff } from '../machine/power-off.ts';
import { readConfig } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { sourceOf } from './reinstall-source.ts';
import { saveSnapshot } from './snapshots.ts';

interface Call {
  readonly instance: Instance;
  readonly machine: Machine;
  readonly blueprint: Blueprint;
  readonly undo: Undo;
}

/**
 * A new root disk from the template, and nothing else new: the old disk stays with the machine, held
 * by a snapshot where the storage can make one, so that the data is not gone at once.
 */
export async function reinstall(
  session: Session,
  { instance, machine, blueprint, undo }: Call,
): Promise<Outcome> {
  const old = rootDisk(machine.config);
  if (old === undefined) throw new Failure('conflict', `Machine ${machine.vmid} has no root disk`);
  const disk = await sourceOf(session, blueprint, { machine, old });
  const later = { ...machine.config, ...disk };
  const source = { ...disk, ...cloudInitForNewDisk(session.settings, instance, later).set };
  const ran = await ensureStaysOff(session, machine);
  undo.add(`start machine ${machine.vmid} again`, async (deadline) => {
    if (ran) await switchOn(session.at(deadline), machine);
  });
  const kept = await keepOld(session, machine, undo);
  await replaceRoot(session, { machine, old, source, undo });
  if (ran) await switchOn(session, machine);
  const message = 'The instance was installed anew';
  return { message, facts: { Result: message, ...kept } };
}

/** A snapshot before anything is replaced; says where the old disk is to be found. */
async function keepOld(
  session: Session,
  machine: Machine,
  undo: Undo,
): Promise<Readonly<Record<string, string>>> {
  const { vmid, node } = machine;
  const ask = { what: `ask whether machine ${vmid} can be saved`, query: { feature: 'snapshot' } };
  const answer = recordOf(await session.api.get(path`/nodes/${node}/qemu/${vmid}/feature`, ask));
  if (!flagOf(answer['hasFeature'])) return { 'Old disk': 'kept as an unused disk' };
  const name = `before-reinstall-${new Date().toISOString().replace(/\D/g, '')}`;
  await saveSnapshot(session, machine, undo, { snapname: name });
  // By itself, since people copy it into the form of RestoreSnapshot.
  return { 'Old disk': 'kept in the snapshot', Snapshot: name };
}

interface Root {
  readonly machine: Machine;
  readonly old: Disk;
  readonly source: Readonly<Record<string, string>>;
  readonly undo: Undo;
}

async function replaceRoot(session: Session, { machine, old, source, undo }: Root): Promise<void> {
  const { vmid, node } = machine;
  let task: string | undefined;
  undo.add(`give machine ${vmid} its old disk back`, async (deadline) => {
    const margin = session.at(deadline);
    if (task !== undefined) await cancel(margin, task);
    await putBackOld(margin, machine, old, Object.keys(source));
  });
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/config`,
    params: source,
    what: `give machine ${vmid} a new disk`,
    doing: `copying the new disk of machine ${vmid}`,
    takenBack: true,
    begun: (upid) => {
      task = upid;
    },
  });
  const now = { ...machine, config: await readConfig(session, machine) };
  await growDisk(session, now, Math.ceil(old.sizeBytes / 1024 ** 3), { undo });
}

/** The options are what they were, and the new disk is gone once nothing uses it. */
async function putBackOld(
  session: Session,
  machine: Machine,
  old: Disk,
  options: readonly string[],
): Promise<void> {
  const { vmid, config } = machine;
  const now = await readConfig(session, machine);
  const fresh = now[old.key]?.split(',')[0];
  const other = options.filter((key) => now[key] !== config[key]);
  const set = other.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]]));
  const gone = other.filter((key) => config[key] === undefined);
  const form = formOf({ set: Object.fromEntries(set), remove: gone });
  await writeConfig(session, machine, form, `give machine ${vmid} its old disk back`);
  if (fresh === old.volume) return;
  const unused = Object.entries(await readConfig(session, machine)).find(
    ([key, volume]) => /^unused\d+$/.test(key) && volume === fresh,
  )?.[0];
  if (unused === undefined) return;
  await writeConfig(session, machine, { delete: unused }, `remove the new disk of machine ${vmid}`);
}
