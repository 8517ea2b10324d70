import type { Purpose } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { statusOf } from '../../../failure.ts';
import { type Claim, isBuilding } from '../../../lifecycle/ownership.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import { isOwned, ownedLabels } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { storedIdOf } from '../stored.ts';
import {
  isOurClaim,
  matchAll,
  matchClaimed,
  matchOne,
  type Registry,
  type Seen,
  seen,
} from './match.ts';
import { type BusyTimeout, listMachines, type Session } from './session.ts';
import { accountOf, readStored, refuseHidden, type Stored } from './visibility.ts';

export interface Care extends BusyTimeout {
  /** The machine that the details name is asked for first, which costs MAAS half of a search. */
  readonly storedFirst?: boolean;
  /** For every change: a machine that was adopted is compared with all others. */
  readonly thorough: boolean;
}

export const careFor: Readonly<Record<Purpose, Care>> = {
  show: { thorough: false },
  // There are hundreds of these after an outage.
  power: { thorough: false, storedFirst: true, busyTimeoutMs: 1_500 },
  change: { thorough: true, busyTimeoutMs: 60_000 },
  create: { thorough: true, busyTimeoutMs: 60_000 },
};

/**
 * Finds the machine of the instance: usually one request, since MAAS finds machines by the agent name
 * that was set in the same step as they were claimed. `missing` means proved missing.
 */
export async function find(
  session: Session,
  instance: Instance,
  { thorough, storedFirst = false, ...busy }: Care,
): Promise<Choice<Seen>> {
  const claim = claimOf(session, instance);
  const account = await accountOf(session, busy);
  let stored: Promise<Stored> | undefined;
  const storedMachine = (): Promise<Stored> => {
    stored ??= readStored(session, claim.storedId, busy);
    return stored;
  };
  // Under a shared user the agent name has to be seen, which no machine shows by itself.
  if (storedFirst && !session.settings.shared_user) {
    const byId = matchStored(await storedMachine(), claim, { account, isClaimed: () => true });
    if (byId?.kind === 'own' && !isBuilding(byId.machine)) return byId;
  }
  const claimed = await listMachines(session, { agent_name: instance.uuid }, busy);
  const own = matchClaimed(
    claimed.map((machine) => seen(machine, { account, isClaimed: () => true })),
    claim,
  );
  if (own !== undefined) return own;
  const ids = new Set(claimed.map(({ system_id }) => system_id));
  const registry = { account, isClaimed: ({ system_id }: Machine) => ids.has(system_id) };
  if (!thorough) {
    const adopted = matchStored(await storedMachine(), claim, registry);
    if (adopted !== undefined) return adopted;
  }
  const owned = (await listOwned(session, busy)).map((machine) => seen(machine, registry));
  const choice = matchAll(owned, claim, registry);
  if (choice.kind === 'missing') await refuseHidden(session, instance, storedMachine, busy);
  return choice;
}

/** As `find`; what is in doubt is refused. */
export async function findCertain(
  session: Session,
  instance: Instance,
  care: Care,
): Promise<Exclude<Choice<Seen>, { kind: 'doubtful' }>> {
  const choice = await find(session, instance, care);
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(session, instance));
  return choice;
}

/** Machines that can belong to an instance, with or without a mark. */
export async function listOwned(
  session: Session,
  busy: BusyTimeout = {},
): Promise<readonly Machine[]> {
  try {
    return await listMachines(session, { status: ownedLabels }, busy);
  } catch (thrown) {
    // A version that lacks one of the words refuses them all.
    if (statusOf(thrown) !== 400) throw thrown;
    const all = await listMachines(session, {}, busy);
    return all.filter((machine) => isOwned(machine.status));
  }
}

/** The unfinished machines under the instance's agent name, which one request shows. */
export async function claimsOf(session: Session, instance: Instance): Promise<readonly Machine[]> {
  const query = { agent_name: instance.uuid };
  const found = await listMachines(session, query, { busyTimeoutMs: 30_000 });
  const claim = claimOf(session, instance);
  const registry = { account: await accountOf(session), isClaimed: () => true };
  // Another installation may have an instance with the same UUID; its machines do not count.
  return found.filter((machine) => isOurClaim(seen(machine, registry), claim));
}

export function claimOf({ installation }: Session, instance: Instance): Claim {
  return {
    uuid: instance.uuid,
    name: instance.name,
    installation,
    storedId: storedIdOf(instance),
    // The id that the built-in extension stores is a tenant's to edit and the name is not there.
    adoptUnmarked: undefined,
  };
}

/** An adopted machine has no agent name; its id leads to it, its mark and its owner prove it. */
function matchStored(stored: Stored, claim: Claim, registry: Registry): Choice<Seen> | undefined {
  if (stored === 'none' || stored === 'hidden' || !isOwned(stored.status)) return undefined;
  return matchOne(seen(stored, registry), claim, registry);
}
