import type { Cast, OtherPlaces } from './cast.ts';
import { payloadFor, statusesPayload } from './payloads.ts';
import type { Quick } from './questions.ts';
import type { SampleInstance } from './sample-instance.ts';
import { type Call, shortSeconds } from './transcript.ts';

/** The instance that other calls must leave alone. */
export interface Home {
  /** Asks for its state; `when` completes the name of the step. */
  status(when: string): Promise<Call>;
  /** Brings it to run as after its creation; `steps` are left out, with the reason, where that fails. */
  runs(steps: readonly string[]): Promise<boolean>;
  /** Notes why a call is not made. */
  leaveOut(step: string, reason: string): void;
}

/** Calls about instances that are not there and share a name or details with the one that is. */
export async function impostors(quick: Quick, cast: Cast, home: Home): Promise<void> {
  const { namesake, borrower, alive, details } = cast;
  await quick('status of a namesake', 'status', payloadFor('status', namesake, details));
  await pretend(quick, cast, home, { who: 'a namesake', instance: namesake });
  if (Object.keys(alive.stored).length === 0) {
    home.leaveOut('stop of a borrower', 'prepare handed no details back that it could borrow');
    return;
  }
  const instance = { ...borrower, stored: alive.stored };
  await pretend(quick, cast, home, { who: 'a borrower', instance });
}

async function pretend(
  quick: Quick,
  { details }: Cast,
  home: Home,
  { who, instance }: { readonly who: string; readonly instance: SampleInstance },
): Promise<void> {
  for (const action of ['stop', 'delete']) {
    const step = `${action} of ${who}`;
    if (!(await home.runs([step]))) continue;
    await quick(step, action, payloadFor(action, instance, details));
    await home.status(`after ${step}`);
  }
}

/** Calls about a remote system that is another server, and about one that is not there. */
export async function otherPlaces(
  quick: Quick,
  { alive }: Cast,
  { atStranger, outOfReach, visited }: OtherPlaces,
  { leaveOut }: Home,
): Promise<void> {
  await quick('status at a stranger', 'status', payloadFor('status', alive, atStranger));
  // An executable that does not connect there would do to the true instance what it is asked for.
  if (!visited()) {
    leaveOut('status out of reach', 'it did not connect to the address that it was given instead');
    return;
  }
  const limit = { timeoutSeconds: 2 * shortSeconds };
  await quick('status out of reach', 'status', payloadFor('status', alive, outOfReach), limit);
  await quick('statuses out of reach', 'statuses', statusesPayload(outOfReach), limit);
  for (const action of ['stop', 'delete'])
    await quick(`${action} out of reach`, action, payloadFor(action, alive, outOfReach), limit);
}
