import type { Instance } from '../../../contract/instance.ts';
import { expectFailure } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { type RetryPolicy, retryWhile } from '../../../kit/retry.ts';
import { pauseMs } from '../api/client.ts';
import { isBusy, isUncertain } from '../api/remote-error.ts';
import { type Machine, readMachineOrNull } from '../api/wire.ts';
import { find, machinesIn } from './find.ts';
import { busyPatienceMs, machinePath, type Rig } from './session.ts';
import { takenAway } from './taken-away.ts';

const mostTries = 3;

export interface Operation {
  readonly op: string;
  /** Completes "MAAS did not ...". */
  readonly what: string;
  readonly form?: Pairs;
}

/**
 * Asks for one operation on the instance's machine, again and again while MAAS is busy with an
 * earlier one. When the answer is lost, the machine itself tells whether the order is `done`; it is
 * given again if not. Before each further try this looks whether the machine still is the
 * instance's. Without `done` a lost answer is the end.
 *
 * Answers with the machine as it is then, or `undefined` where MAAS cannot do that to it.
 */
export function operate(
  rig: Rig,
  instance: Instance,
  { system_id }: Machine,
  operation: Operation,
  done?: (now: Machine) => boolean | Promise<boolean>,
): Promise<Machine | undefined> {
  const { op, what, form = {} } = operation;
  return retryWhile(
    {
      ...persistence(rig, system_id, operation, done !== undefined),
      async unlessDone(thrown) {
        const now = await stillOwn(rig, instance, system_id);
        return !isBusy(thrown) && (await done?.(now)) === true ? now : undefined;
      },
    },
    async () => {
      const ask = { what, query: { op }, form };
      return readMachineOrNull((await rig.client.post(machinePath(system_id), ask)).json());
    },
  );
}

/** While MAAS is busy, for `busyPatienceMs`; after a lost answer, which begins that time anew. */
function persistence(
  { context: { deadline, log } }: Rig,
  machine: string,
  { op, what }: Operation,
  mayBeLost: boolean,
): RetryPolicy<Machine | undefined> {
  let beganMs = deadline.remainingMs();
  let busy = 0;
  let lost = 0;
  return {
    deadline,
    doing: `waiting for MAAS to ${what}`,
    pauseMs(thrown) {
      if (isBusy(thrown)) {
        busy += 1;
        const over = beganMs - deadline.remainingMs() > busyPatienceMs;
        return over ? undefined : pauseMs(thrown, busy);
      }
      lost += 1;
      const again = mayBeLost && isUncertain(thrown) && lost < mostTries;
      busy = 0;
      beganMs = deadline.remainingMs();
      return again ? 500 * lost : undefined;
    },
    onRepeat(thrown) {
      if (!isBusy(thrown)) {
        log('maas.uncertain', { op, machine, error: expectFailure(thrown).message });
      } else if (busy === 1) log('maas.busy', { op, machine });
    },
  };
}

/** The machine as it is now; one that was released meanwhile may be another instance's. */
export async function stillOwn(rig: Rig, instance: Instance, systemId: string): Promise<Machine> {
  const found = await find(rig, instance, { thorough: false, patienceMs: busyPatienceMs });
  const machine = machinesIn(found).find(({ system_id }) => system_id === systemId);
  if (machine === undefined) throw takenAway(instance, systemId);
  return machine;
}
