import { Failure } from '../../failure.ts';
import { type Choice, type Claim, chooseOwn, refusal } from '../../kit/ownership.ts';
import type { Instance } from '../../provider.ts';
import { readIndex } from './index-tag.ts';
import {
  configIfThere,
  listMachines,
  nodeLimitMs,
  proveSight,
  type Seen,
  seenByConfig,
  seenByIndex,
  unseen,
} from './inventory.ts';
import { type Machine, machineOf } from './machine.ts';
import { adopt, adoptedMark } from './ownership.ts';
import type { Rig } from './rig.ts';
import { settle } from './settle.ts';
import { candidateIds } from './vmids.ts';
import type { Row } from './wire.ts';

type Purpose = 'read' | 'change' | 'create';

/** The instance's machine for reading: tags suffice, and nothing is taken over. */
export function look(rig: Rig, instance: Instance): Promise<Choice<Seen>> {
  return choose(rig, instance, 'read');
}

/** The instance's machine for showing what it has; not even taken over, and fails without one. */
export async function show(rig: Rig, instance: Instance): Promise<Machine> {
  const machine = await showIfThere(rig, instance);
  if (machine === undefined) throw missing(instance);
  return machine;
}

/** The instance's machine for showing it, or `undefined` when it is proved missing. */
export async function showIfThere(
  rig: Rig,
  instance: Instance,
  purpose: 'change' | 'create' = 'change',
): Promise<Machine | undefined> {
  const choice = await choose(rig, instance, purpose);
  if (choice.kind === 'missing') return undefined;
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(rig, instance));
  const { machine } = choice;
  return machineOf(
    machine,
    choice.kind === 'own' ? choice.mark : adoptedMark(rig, instance, machine),
  );
}

/** The instance's machine for changing it, taken over where that is allowed and needed. */
export async function takeIfThere(
  rig: Rig,
  instance: Instance,
  purpose: 'change' | 'create' = 'change',
  rows?: readonly Row[],
): Promise<Machine | undefined> {
  const choice = await choose(rig, instance, purpose, rows);
  if (choice.kind === 'missing') return undefined;
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(rig, instance));
  if (choice.kind === 'own') return machineOf(choice.machine, choice.mark);
  return adopt(rig, instance, choice.machine);
}

/** The instance's machine for changing it; fails without one. */
export async function take(rig: Rig, instance: Instance): Promise<Machine> {
  const machine = await takeIfThere(rig, instance);
  if (machine === undefined) throw missing(instance);
  return machine;
}

export function missing({ name, uuid }: Instance): Failure {
  return new Failure('not-found', `There is no machine of ${name} (${uuid})`, {
    tenant: 'This instance has no machine',
  });
}

export function claimOf({ settings, context }: Rig, { uuid, name, stored }: Instance): Claim {
  return {
    uuid,
    name,
    installation: context.installation,
    storedId: stored['proxmox_vmid'],
    adoptUnmarked: settings.adopt_unmarked,
  };
}

async function choose(
  rig: Rig,
  instance: Instance,
  purpose: Purpose,
  rows?: readonly Row[],
): Promise<Choice<Seen>> {
  const all = rows ?? (await listMachines(rig));
  const seen = await lookAround(rig, instance, purpose, all);
  const claim = claimOf(rig, instance);
  // Whoever took the id that prepare had chosen is in nobody's way: create takes another.
  const own =
    purpose === 'create'
      ? seen.filter(({ mark, name }) => mark !== undefined || isSame(name, instance.name))
      : seen;
  const choice = chooseOwn(own, claim);
  if (choice.kind === 'missing') await proveSight(rig);
  return choice;
}

async function lookAround(
  rig: Rig,
  instance: Instance,
  purpose: Purpose,
  rows: readonly Row[],
): Promise<readonly Seen[]> {
  const prepared = Number(instance.stored['proxmox_vmid']);
  const ids = new Set([...candidateIds(rig.settings, instance), prepared]);
  const near = rows.filter((row) => mayBe(row, instance, ids));
  const seen = await Promise.all(near.map((row) => seenAs(rig, row, purpose)));
  return seen.filter((each) => each !== undefined);
}

/** Whether a machine could be the instance's, by what lists show. */
function mayBe(row: Row, { uuid, name }: Instance, ids: ReadonlySet<number>): boolean {
  if (readIndex(row.tags)?.uuid === uuid) return true;
  return ids.has(row.vmid) || isSame(row.name, name);
}

/** A machine by its tags if that will do, else by its configuration; one on the way to another node twice. */
async function seenAs(rig: Rig, row: Row, purpose: Purpose): Promise<Seen | undefined> {
  const index = readIndex(row.tags);
  if (purpose === 'read' && index !== undefined) return seenByIndex(row, index);
  try {
    // Reading does not wait for a copy to end.
    const config =
      purpose === 'read'
        ? await configIfThere(rig, row, { limitMs: nodeLimitMs })
        : await settle(rig, row);
    if (config !== undefined) return seenByConfig(row, config);
  } catch (thrown) {
    if (purpose !== 'read' || Failure.from(thrown).outage) throw thrown;
    rig.context.log('machine.unseen', { machine: row.vmid, error: Failure.from(thrown).message });
    return unseen(row);
  }
  const moved = (await listMachines(rig)).find(({ vmid }) => vmid === row.vmid);
  if (moved === undefined) return undefined;
  const config = await configIfThere(rig, moved);
  return config === undefined ? unseen(moved) : seenByConfig(moved, config);
}

function isSame(name: string | undefined, other: string): boolean {
  return name?.toLowerCase() === other.toLowerCase();
}
