import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { type RetryPolicy, retryWhile } from '../../../kit/retry.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import { pauseMs } from '../api/client.ts';
import { isAddressRace, isBusy, isUncertain } from '../api/remote-error.ts';
import { type Machine, readMachineOrNull } from '../api/wire.ts';
import { claimOf, find } from './find.ts';
import { machinesIn } from './match.ts';
import { longBusyMs, machinePath, type Session } from './session.ts';

const mostTries = 3;
/** Each of many deployments of one moment may lose several times. */
const mostRaces = 8;

export interface Operation {
  readonly op: string;
  /** Completes "MAAS did not ...". */
  readonly what: string;
  readonly form?: Pairs;
}

/**
 * Asks for one operation on the instance's machine, again and again while MAAS is busy with an
 * earlier one, or has given an address away twice. When the answer is lost, the machine itself tells whether the operation is `done`; it
 * is asked for again if not. Before each further try this looks whether the machine still is the
 * instance's. Without `done` a lost answer is the end.
 *
 * Answers with the machine as it is then, or `undefined` where MAAS cannot do that to it.
 */
export function operate(
  session: Session,
  instance: Instance,
  { system_id }: Machine,
  operation: Operation,
  done?: (now: Machine) => boolean | Promise<boolean>,
): Promise<Machine | undefined> {
  const { client, deadline } = session;
  const { op, what, form = {} } = operation;
  return retryWhile(
    {
      ...persistence(session, system_id, operation, done !== undefined),
      async unlessDone(thrown) {
        const now = await stillOwn(session, instance, system_id);
        const isRefused = isBusy(thrown) || isAddressRace(thrown);
        return !isRefused && (await done?.(now)) === true ? now : undefined;
      },
    },
    async () => {
      const ask = { what, query: { op }, form, deadline };
      return readMachineOrNull((await client.post(machinePath(system_id), ask)).json());
    },
  );
}

/** While MAAS is busy, for `longBusyMs`; after a lost answer, which begins that time anew. */
function persistence(
  { deadline, log }: Session,
  machine: string,
  { op, what }: Operation,
  mayBeLost: boolean,
): RetryPolicy<Machine | undefined> {
  let beganMs = deadline.remainingMs();
  let busy = 0;
  let races = 0;
  let lost = 0;
  return {
    deadline,
    doing: `waiting for MAAS to ${what}`,
    pauseMs(thrown) {
      if (isBusy(thrown)) {
        busy += 1;
        const over = beganMs - deadline.remainingMs() > longBusyMs;
        return over ? undefined : pauseMs(thrown, busy);
      }
      if (isAddressRace(thrown)) {
        races += 1;
        return races <= mostRaces ? 200 + Math.random() * 400 * races : undefined;
      }
      lost += 1;
      const again = mayBeLost && isUncertain(thrown) && lost < mostTries;
      busy = 0;
      beganMs = deadline.remainingMs();
      return again ? 500 * lost : undefined;
    },
    onRepeat(thrown) {
      if (isAddressRace(thrown)) log('maas.address-race', { op, machine });
      else if (!isBusy(thrown)) {
        log('maas.uncertain', { op, machine, error: expectFailure(thrown).message });
      } else if (busy === 1) log('maas.busy', { op, machine });
    },
  };
}

/**
 * The machine as it is now. One that was released meanwhile may be another instance's; one that another user
 * of MAAS has taken over is in doubt, and nothing is done to it.
 */
export async function stillOwn(
  session: Session,
  instance: Instance,
  systemId: string,
): Promise<Machine> {
  const care = { thorough: false, busyTimeoutMs: longBusyMs };
  const choice = await find(session, instance, care);
  if (choice.kind === 'doubtful' && choice.doubt === 'disowned') {
    throw refusal(choice, claimOf(session, instance));
  }
  const own = machinesIn(choice).find(({ remoteId }) => remoteId === systemId);
  if (own === undefined) throw takenAway(instance, systemId);
  return own.machine;
}

/** Ends every action on a machine that is no longer the instance's. */
export function takenAway({ name }: Instance, systemId: string): Failure {
  return new Failure('conflict', `Machine ${systemId} is no longer the one of ${name}`, {
    reason: 'taken-away',
    tenant: 'The machine of this instance was taken away while something was done to it',
  });
}
