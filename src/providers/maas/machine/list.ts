import { Failure } from '../../../failure.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { overview } from '../../../lifecycle/overview.ts';
import { status } from '../api/statuses.ts';
import type { Machine, Me } from '../api/wire.ts';
import { leftBy, markOf } from './annotations.ts';
import { listOwned } from './find.ts';
import { hiddenMachines } from './hidden.ts';
import { powersNow } from './live-power.ts';
import { type Registry, type Seen, seen } from './match.ts';
import { listMachines, type Session } from './session.ts';
import { refuseHiddenList, whoAmI } from './visibility.ts';

/** Every machine that can belong to an instance; fails when it is not certain that these are all. */
export async function list(
  session: Session,
  detail: 'own' | 'report' | 'inventory',
): Promise<readonly Seen[]> {
  const me = await whoAmI(session);
  const owned = await listOwned(session);
  const registry = await registryFor(session, me, owned);
  const all = owned.map((machine) => seen(machine, registry));
  if (detail === 'inventory') {
    const hidden = await hiddenMachines(session, me, { owned });
    return inventory(session, me, [...all, ...hidden]);
  }
  // Let go together with its instance: no instance's, though MAAS still has it deployed.
  const kept = all.filter(({ machine }) => leftBy(machine) === undefined);
  if (detail === 'own') return kept;
  refuseUnreadable(kept);
  const { certain } = overview(kept, session.installation);
  const marked = certain.map(({ machine }) => machine);
  const hidden = await hiddenMachines(session, me, { owned, marked });
  refuseHiddenList(session, me, [...marked, ...hidden]);
  refuseUnadopted(session, me, kept);
  return [...kept, ...hidden];
}

/** So many agent names fit into the first line of a request for every server and proxy. */
const mostNames = 100;

/**
 * MAAS's record for all machines. Where only instances are deployed under the key's user, owner and state
 * tell enough of a machine; else its agent name has to be asked for, which no machine shows by itself.
 */
async function registryFor(
  session: Session,
  { username: account }: Me,
  owned: readonly Machine[],
): Promise<Registry> {
  if (!session.settings.shared_user) return { account, isClaimed: () => true };
  const uuids = owned.flatMap((machine) => {
    const mark = markOf(machine);
    return typeof mark === 'object' ? [mark.uuid] : [];
  });
  const claims = new Set<string>();
  for (let at = 0; at < uuids.length; at += mostNames) {
    const agent_name = uuids.slice(at, at + mostNames);
    const found = await listMachines(session, { agent_name });
    for (const { system_id } of found) claims.add(system_id);
  }
  return { account, isClaimed: ({ system_id }) => claims.has(system_id) };
}

async function inventory(session: Session, me: Me, all: readonly Seen[]): Promise<readonly Seen[]> {
  // Every machine of the key's user shows that it is the right one, as before the first adoption.
  const known = all.filter(
    ({ mark, machine }) => mark !== undefined || machine.owner === me.username,
  );
  refuseHiddenList(session, me, known);
  const { leftoverOf } = await import('./describe.ts');
  const machines = all.map(({ machine }) => machine);
  const powers = await powersNow(session, machines);
  const leftovers = await mapLimit(machines, 1, (machine) => leftoverOf(session, me, machine));
  return all.map((one, at) => {
    return { ...one, inventory: { power: powers[at] ?? 'unknown', leftover: leftovers[at] } };
  });
}

function refuseUnreadable(all: readonly Seen[]): void {
  const unreadable = all.filter(({ mark }) => mark === 'unreadable');
  if (unreadable.length === 0) return;
  const ids = unreadable.map(({ remoteId }) => remoteId).join(', ');
  throw new Failure('upstream', `The marks of the machines ${ids} cannot be read`, {
    advice: 'Until they are repaired no machine can be proved missing',
  });
}

/**
 * Instances of the built-in extension go by ids that only CloudStack knows. An administrator sees those
 * that were deployed with the key of any user.
 */
function refuseUnadopted({ settings }: Session, { username }: Me, all: readonly Seen[]): void {
  if (settings.shared_user) return;
  const waiting = all.filter(
    ({ mark, machine }) => mark === undefined && machine.status === status.deployed,
  );
  const [first] = waiting;
  if (first === undefined) return;
  const owners = [...new Set(waiting.map(({ machine: { owner } }) => owner || 'no user'))];
  const text = `Deployed machines of ${owners.sort().join(', ')} carry no mark and may be instances: ${waiting.length}, such as ${first.remoteId}`;
  const key = owners.some((owner) => owner !== username)
    ? ', with a key of the user who owns them'
    : '';
  throw new Failure('conflict', text, {
    advice: `Adopt them with \`outrigger adopt\`${key}; if they are none, set shared_user to true or use a MAAS user of its own`,
  });
}
