import type { Instance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import { isLeavingUnfinished, removeMark, writeMarkOn } from './annotations.ts';
import { careFor, claimOf, find } from './find.ts';
import { restoreName } from './hostname.ts';
import { type Seen, seen } from './match.ts';
import type { Session } from './session.ts';

/**
 * Writes the mark, or takes it off together with everything else of ours. `lost` when another call has
 * announced to release the machine that this one has finished: the two of them would not agree on it.
 */
export async function writeMark(
  session: Session,
  instance: Instance,
  { machine }: Seen,
  mark: Mark | undefined,
): Promise<Seen | 'lost'> {
  if (mark === undefined) {
    await restoreName(session, machine);
    return seen(await removeMark(session, machine, instance));
  }
  const written = await writeMarkOn(session, machine, mark);
  const finishes = mark.origin === 'created' && mark.state === 'built';
  if (!finishes || !isLeavingUnfinished(written)) return seen(written);
  await writeMarkOn(session, written, { ...mark, state: 'building' });
  return 'lost';
}

/** An instance of which another machine may be left must not get this one besides. */
export async function refuseSecond(
  session: Session,
  instance: Instance,
  { remoteId }: Pick<Seen, 'remoteId'>,
): Promise<void> {
  const choice = await find(session, instance, careFor.change);
  if (choice.kind !== 'doubtful') return;
  const others = choice.machines.filter((each) => each.remoteId !== remoteId);
  if (others.length > 0) throw refusal(choice, claimOf(session, instance));
}
