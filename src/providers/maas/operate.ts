import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import type { Pairs } from '../../kit/http/address.ts';
import { pauseMs } from './client.ts';
import { find, machinesIn } from './find.ts';
import { busyPatienceMs, machinePath, type Rig } from './rig.ts';
import { takenAway } from './taken-away.ts';
import { isBusy, isUncertain } from './trouble.ts';
import { type Machine, readMachineOrNull } from './wire.ts';

const mostTries = 3;

export interface Operation {
  readonly op: string;
  /** Completes "MAAS did not ...". */
  readonly what: string;
  readonly form?: Pairs;
}

/**
 * Asks for one operation on the instance's machine, again and again while MAAS is busy with an
 * earlier one. Before each further try it is looked whether the machine still is the instance's.
 *
 * Answers with the machine as it is then, or `undefined` where MAAS cannot do that to it.
 */
export async function operate(
  rig: Rig,
  instance: Instance,
  { system_id }: Machine,
  { op, what, form }: Operation,
): Promise<Machine | undefined> {
  const { deadline, log } = rig.context;
  const beganMs = deadline.remainingMs();
  for (let turn = 1; ; turn += 1) {
    try {
      const ask = { what, query: { op }, form: form ?? {} };
      return readMachineOrNull((await rig.client.post(machinePath(system_id), ask)).json());
    } catch (thrown) {
      const failure = Failure.from(thrown);
      const waitMs = pauseMs(failure, turn);
      const over = beganMs - deadline.remainingMs() > busyPatienceMs;
      if (!isBusy(failure) || over || waitMs >= deadline.remainingMs()) throw failure;
      if (turn === 1) log('maas.busy', { op, machine: system_id });
      await deadline.sleep(waitMs, `waiting for MAAS to ${what}`);
    }
    await stillOwn(rig, instance, system_id);
  }
}

/**
 * As `operate`. When the answer is lost, the machine itself tells whether the order is `done`; it
 * is given again if not.
 */
export async function insist(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  operation: Operation,
  done: (now: Machine) => boolean | Promise<boolean>,
): Promise<Machine | undefined> {
  const { deadline, log } = rig.context;
  const { op, what } = operation;
  const { system_id } = machine;
  for (let tries = 1; ; tries += 1) {
    try {
      return await operate(rig, instance, machine, operation);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (!isUncertain(failure) || tries === mostTries) throw failure;
      log('maas.uncertain', { op, machine: system_id, error: failure.message });
    }
    await deadline.sleep(500 * tries, `waiting to ${what}`);
    const now = await stillOwn(rig, instance, system_id);
    if (await done(now)) return now;
  }
}

/** The machine as it is now; one that was released meanwhile may be another instance's. */
export async function stillOwn(rig: Rig, instance: Instance, systemId: string): Promise<Machine> {
  const found = await find(rig, instance, { thorough: false, patienceMs: busyPatienceMs });
  const machine = machinesIn(found).find(({ system_id }) => system_id === systemId);
  if (machine === undefined) throw takenAway(instance, systemId);
  return machine;
}
