import { Failure } from '../../../failure.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { overview } from '../../../lifecycle/overview.ts';
import { status } from '../api/statuses.ts';
import type { Me } from '../api/wire.ts';
import { leftBy } from './annotations.ts';
import { listOwned } from './find.ts';
import { powersNow } from './live-power.ts';
import { type Seen, seen } from './match.ts';
import type { Session } from './session.ts';
import { refuseHiddenList, whoAmI } from './visibility.ts';

/** Every machine that can belong to an instance; fails when it is not certain that these are all. */
export async function list(
  session: Session,
  detail: 'own' | 'report' | 'inventory',
): Promise<readonly Seen[]> {
  const me = await whoAmI(session);
  const all = (await listOwned(session)).map(seen);
  if (detail === 'inventory') return inventory(session, me, all);
  // Let go together with its instance: no instance's, though MAAS still has it deployed.
  const kept = all.filter(({ machine }) => leftBy(machine) === undefined);
  if (detail === 'own') return kept;
  refuseUnreadable(kept);
  refuseHiddenList(session, me, overview(kept, session.installation).certain);
  refuseUnadopted(session, me, kept);
  return kept;
}

async function inventory(session: Session, me: Me, all: readonly Seen[]): Promise<readonly Seen[]> {
  const marked = all.filter(({ mark }) => mark !== undefined);
  refuseHiddenList(session, me, marked);
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

/** Instances of the built-in extension go by ids that only CloudStack knows. */
function refuseUnadopted({ settings }: Session, { username }: Me, all: readonly Seen[]): void {
  if (settings.shared_user) return;
  const waiting = all.filter(
    ({ mark, machine }) =>
      mark === undefined && machine.status === status.deployed && machine.owner === username,
  );
  const [first] = waiting;
  if (first === undefined) return;
  const text = `Deployed machines of ${username} carry no mark and may be instances: ${waiting.length}, such as ${first.remoteId}`;
  throw new Failure('conflict', text, {
    advice:
      'Adopt them with `outrigger adopt`; if they are none, set shared_user to true or use a MAAS user of its own',
  });
}
