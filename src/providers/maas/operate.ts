import { Failure } from '../../failure.ts';
import type { Pairs } from '../../kit/http/address.ts';
import type { Reply } from '../../kit/http/reply.ts';
import type { Instance } from '../../provider.ts';
import { pauseMs } from './client.ts';
import { find, machinesIn } from './find.ts';
import { busyPatienceMs, machinePath, type Rig } from './rig.ts';
import { isBusy } from './trouble.ts';
import type { Machine } from './wire.ts';

export interface Operation {
  readonly op: string;
  /** Completes "MAAS did not ...". */
  readonly what: string;
  readonly form?: Pairs;
}

/**
 * Asks for one operation on the instance's machine, again and again while MAAS is busy with an
 * earlier one. Before each further try it is looked whether the machine still is the instance's.
 */
export async function operate(
  rig: Rig,
  instance: Instance,
  { system_id }: Machine,
  { op, what, form }: Operation,
): Promise<Reply> {
  const { deadline, log } = rig.context;
  const beganMs = deadline.remainingMs();
  for (let turn = 1; ; turn += 1) {
    try {
      const ask = { what, query: { op }, form: form ?? {} };
      return await rig.client.post(machinePath(system_id), ask);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      const waitMs = pauseMs(failure, turn);
      const over = beganMs - deadline.remainingMs() > busyPatienceMs;
      if (!isBusy(failure) || over || waitMs >= deadline.remainingMs()) throw failure;
      if (turn === 1) log('maas.busy', { op, machine: system_id });
      await deadline.sleep(waitMs, `waiting for MAAS to ${what}`);
    }
    await checkStill(rig, instance, system_id);
  }
}

/** A machine that was released meanwhile may be another instance's by now. */
export async function checkStill(rig: Rig, instance: Instance, systemId: string): Promise<void> {
  const found = await find(rig, instance, { thorough: false, patienceMs: busyPatienceMs });
  if (machinesIn(found).some(({ system_id }) => system_id === systemId)) return;
  throw new Failure('conflict', `Machine ${systemId} is no longer the one of ${instance.name}`, {
    facts: { gone: true },
    tenant: 'The machine of this instance was taken away while something was done to it',
  });
}
