import type { Instance } from '../../../contract/instance.ts';
import type { Choice, Mark } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { chooseOwn } from '../../../lifecycle/ownership.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import type { Own } from '../api/command.ts';
import { steps } from '../api/commands.ts';
import type { Listed, Listing } from '../api/wire.ts';
import {
  checkElsewhere,
  clustered,
  isNamed,
  isReplica,
  lookAround,
  type Seen,
  toSeen,
} from './listing.ts';
import { adopted, building, leftBy, markFor, notesWith } from './notes.ts';
import type { Rig } from './session.ts';
import { unfinished } from './unfinished.ts';

/** The instance's own machine, with what proves it to the host. */
export interface Found extends Own {
  readonly name: string;
  readonly state: string;
  readonly notes: string;
  readonly mark: Mark;
}

/** The instance's machine for reading: nothing is changed, not even to take it over. */
export async function find(rig: Rig, instance: Instance, last = false): Promise<Choice<Seen>> {
  const listing = await lookAround(rig, last);
  const choice = choose(rig, instance, listing);
  if (choice.kind === 'missing' || choice.kind === 'leaving')
    checkElsewhere(rig, instance, listing);
  return choice;
}

function choose(rig: Rig, instance: Instance, { machines }: Listing): Choice<Seen> {
  const present = machines
    .filter((machine) => !isReplica(machine) && leftBy(machine.notes) !== instance.uuid)
    .map(toSeen);
  const choice = chooseOwn(present, claimOf(rig, instance, machines));
  if (choice.kind !== 'adoptable' || isNamed(choice.machine.listed.name, instance)) return choice;
  // With another UUID behind its name it was made for an instance of another CloudStack.
  return { kind: 'doubtful', doubt: 'unmarked', machines: [choice.machine] };
}

function claimOf({ settings, context }: Rig, instance: Instance, machines: readonly Listed[]) {
  const { uuid, name, stored } = instance;
  const full = `${name}-${uuid}`;
  // The UUID in a machine's own name points at the instance as surely as a stored id does.
  const named = machines.find((machine) => machine.name === full)?.id;
  return {
    uuid,
    name,
    installation: context.installation,
    storedId: named ?? stored['hyperv_id']?.toLowerCase(),
    adoptUnmarked: settings.adopt_unmarked,
  };
}

/** The instance's machine, or `undefined` when it is proved missing; read only. */
export async function showIfThere(rig: Rig, instance: Instance): Promise<Found | undefined> {
  return (await pick(rig, instance))?.found;
}

export async function show(rig: Rig, instance: Instance): Promise<Found> {
  const found = await showIfThere(rig, instance);
  if (found === undefined) throw missing(instance);
  return found;
}

/** The instance's machine for changing it, taken over where that is allowed and needed. */
export async function takeIfThere(rig: Rig, instance: Instance): Promise<Found | undefined> {
  const picked = await pick(rig, instance);
  if (picked === undefined) return undefined;
  if (picked.listed.clustered) throw clustered(instance.name, 'is a role of a failover cluster');
  return picked.unmarked ? adopt(rig, picked.found) : picked.found;
}

export async function take(rig: Rig, instance: Instance): Promise<Found> {
  const found = await takeIfThere(rig, instance);
  if (found === undefined) throw missing(instance);
  return found;
}

/** As `take`, and the machine has to be finished. */
export async function takeBuilt(rig: Rig, instance: Instance): Promise<Found> {
  const found = await take(rig, instance);
  if (found.mark.state === 'built') return found;
  throw new Failure('conflict', `The machine of ${instance.name} was never finished`, {
    advice: 'Stop the instance, which removes it',
    tenant: 'The instance was never finished',
  });
}

export function missing({ name, uuid, stored }: Instance): Failure {
  const hint = stored['hyperv_host'];
  const made = hint === undefined ? '' : `; it was prepared on ${hint}`;
  return new Failure('not-found', `There is no machine of ${name} (${uuid}) on this host${made}`, {
    tenant: 'This instance has no machine',
  });
}

export function notRunning({ name, state }: Found): Failure {
  return new Failure('conflict', `${name} is not running (${state})`, {
    advice: 'Start it first',
    tenant: 'The instance is not running',
  });
}

/** Writes another mark into the machine's notes. */
export async function remark({ host }: Rig, found: Found, mark: Mark): Promise<Found> {
  const notes = notesWith(found.notes, mark);
  await host.ask(steps.notes, { id: found.id, proof: found.proof, notes });
  return { ...found, notes, mark, proof: mark.uuid };
}

interface Picked {
  readonly found: Found;
  readonly listed: Listed;
  readonly unmarked: boolean;
}

async function pick(rig: Rig, instance: Instance): Promise<Picked | undefined> {
  const choice = await find(rig, instance);
  if (choice.kind === 'missing' || choice.kind === 'leaving') return undefined;
  const bare = await unfinished(rig, instance, choice);
  if (bare !== undefined) {
    rig.context.log('machine.unmarked', { machine: bare.id, level: 'warn' });
    // As if its mark had been written, which is all that is lacking.
    const mark = markFor(rig, instance, bare.id, building);
    return { found: asFound(instance, bare, mark, ''), listed: bare, unmarked: false };
  }
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(rig, instance, []));
  const { listed } = choice.machine;
  if (choice.kind === 'own') {
    const found = asFound(instance, listed, choice.mark, instance.uuid);
    return { found, listed, unmarked: false };
  }
  const mark = markFor(rig, instance, listed.id, adopted);
  return { found: asFound(instance, listed, mark, ''), listed, unmarked: true };
}

function asFound({ name }: Instance, { id, state, notes }: Listed, mark: Mark, proof: string) {
  return { id, proof, name, state, notes, mark };
}

async function adopt(rig: Rig, found: Found): Promise<Found> {
  rig.context.log('machine.adopted', { machine: found.id });
  return remark(rig, found, found.mark);
}
