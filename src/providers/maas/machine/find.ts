import type { Instance } from '../../../contract/instance.ts';
import { Failure, statusOf } from '../../../failure.ts';
import type { Claim } from '../../../lifecycle/ownership.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import { isOwned, ownedLabels } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { storedIdOf } from '../stored.ts';
import { type Found, isOurClaim, seen, sortAll, sortClaimed, sortOne } from './match.ts';
import { listMachines, missing, type Patience, type Rig, readOne } from './session.ts';
import { refuseBlindness } from './visibility.ts';

export interface Care extends Patience {
  /** For whatever changes something: a machine that was taken over is compared with all others. */
  readonly thorough: boolean;
}

/**
 * What there is of the instance: usually one request, since MAAS finds machines by the agent name
 * that was set in the same step as they were claimed. `missing` means proved missing.
 */
export async function find(rig: Rig, instance: Instance, care: Care): Promise<Found> {
  const claim = claimOf(rig, instance);
  const { thorough, ...patience } = care;
  const claimed = await listMachines(rig, { agent_name: instance.uuid }, patience);
  const own = sortClaimed(claimed.map(seen), claim);
  if (own !== undefined) return own;
  if (!thorough) {
    const adopted = await byStoredId(rig, claim, patience);
    if (adopted !== undefined) return adopted;
  }
  const found = sortAll((await listOwned(rig, patience)).map(seen), claim);
  if (found.kind === 'missing') await refuseBlindness(rig, instance);
  return found;
}

/** As `find`, for changing something: what is in doubt is refused. */
export async function findForChange(
  rig: Rig,
  instance: Instance,
): Promise<Exclude<Found, { kind: 'doubtful' }>> {
  const found = await find(rig, instance, { thorough: true, patienceMs: 60_000 });
  if (found.kind === 'doubtful') throw refusal(found.doubtful, claimOf(rig, instance));
  return found;
}

/** The instance's machine for changing it; fails without a built one. */
export async function take(rig: Rig, instance: Instance): Promise<Machine> {
  const found = await findForChange(rig, instance);
  if (found.kind === 'built') return found.machine;
  if (found.kind === 'missing') throw missing(instance);
  throw found.kind === 'claims' ? unfinished(instance) : leaving(instance, found.machines);
}

/** The instance's machine for showing it, finished or not. */
export async function show(rig: Rig, instance: Instance): Promise<Machine> {
  const found = await find(rig, instance, { thorough: false });
  if (found.kind === 'built') return found.machine;
  if (found.kind === 'doubtful') throw refusal(found.doubtful, claimOf(rig, instance));
  const [machine] = machinesIn(found);
  if (machine === undefined) throw missing(instance);
  return machine;
}

/** Every machine that is the instance's in some way; its finished one last. */
export function machinesIn(found: Found): readonly Machine[] {
  if (found.kind === 'claims') return found.claims;
  if (found.kind === 'leaving') return found.machines;
  return found.kind === 'built' ? [...found.claims, found.machine] : [];
}

/** Machines that can belong to somebody, with or without a mark. */
export async function listOwned(rig: Rig, patience: Patience = {}): Promise<readonly Machine[]> {
  try {
    return await listMachines(rig, { status: ownedLabels }, patience);
  } catch (thrown) {
    // A version that lacks one of the words refuses them all.
    if (statusOf(thrown) !== 400) throw thrown;
    const all = await listMachines(rig, {}, patience);
    return all.filter((machine) => isOwned(machine.status));
  }
}

/** The unfinished machines under the instance's agent name, which one request shows. */
export async function claimsOf(rig: Rig, instance: Instance): Promise<readonly Machine[]> {
  const query = { agent_name: instance.uuid };
  const found = await listMachines(rig, query, { patienceMs: 30_000 });
  const claim = claimOf(rig, instance);
  // Another installation may have an instance with the same UUID; its machines do not count.
  return found.filter((machine) => isOurClaim(seen(machine), claim));
}

export function claimOf({ context }: Rig, instance: Instance): Claim {
  return {
    uuid: instance.uuid,
    name: instance.name,
    installation: context.installation,
    storedId: storedIdOf(instance),
    // The id that the built-in extension stores is a tenant's to edit and the name is not there.
    adoptUnmarked: false,
  };
}

/** A machine that was taken over has no agent name; its id leads to it, its mark proves it. */
async function byStoredId(rig: Rig, claim: Claim, patience: Patience): Promise<Found | undefined> {
  if (claim.storedId === undefined) return undefined;
  try {
    return sortOne(seen(await readOne(rig, claim.storedId, patience)), claim);
  } catch (thrown) {
    if (statusOf(thrown) === 403 || statusOf(thrown) === 404) return undefined;
    throw thrown;
  }
}

export function unfinished({ name }: Instance): Failure {
  return new Failure('conflict', `The machine of ${name} was claimed but never finished`, {
    advice: 'Stop the instance, which gives the machine back',
    tenant: 'The instance was never finished',
  });
}

function leaving({ name }: Instance, machines: readonly Machine[]): Failure {
  const what = machines.map(({ system_id, status_name }) => `${system_id} (${status_name})`);
  return new Failure(
    'conflict',
    `${name} has no machine any more: ${what.join(', ')} is given back`,
    {
      tenant: 'The machine of this instance is being given back',
    },
  );
}
