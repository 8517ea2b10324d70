import { expectFailure, Failure, isKind } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { type Machine, readPowerState } from '../api/wire.ts';
import { machinePath, nameOf, type Session } from './session.ts';

/** MAAS gives a BMC half a minute to answer. */
const bmcLimitMs = 35_000;

/**
 * The power that the machine's BMC reports now, in MAAS's words: on, off, unknown or error. A BMC that cannot
 * be asked is `unknown` too, never `off`.
 */
export async function askBmc(
  { client, deadline, log }: Session,
  systemId: string,
  limitMs = Math.min(bmcLimitMs, deadline.remainingMs()),
): Promise<string> {
  const ask = {
    what: `ask the BMC of machine ${systemId}`,
    query: { op: 'query_power_state' },
    deadline,
    limitMs,
  };
  try {
    return readPowerState((await client.get(machinePath(systemId), ask)).json());
  } catch (thrown) {
    const { message: error } = expectFailure(thrown);
    log('bmc.unknown', { level: 'warn', machine: systemId, error });
    return 'unknown';
  }
}

/** Waits until the BMC says so; `on` or `off` in the cache of MAAS is not enough. */
export async function waitForPower(
  session: Session,
  machine: Machine,
  wanted: 'on' | 'off',
  mostMs = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const { deadline } = session;
  const beganMs = deadline.remainingMs();
  let last = 'unknown';
  const look = async (): Promise<boolean | undefined> => {
    const leftMs = mostMs - (beganMs - deadline.remainingMs());
    if (leftMs <= 0) return false;
    const limitMs = Math.min(bmcLimitMs, Math.max(1_000, leftMs));
    const state = await askBmc(session, machine.system_id, limitMs);
    if (state === wanted) return true;
    // A last question that the deadline cut off is no word of the BMC's.
    if (state !== 'unknown') last = state;
    return beganMs - deadline.remainingMs() >= mostMs ? false : undefined;
  };
  const what = `waiting for the BMC of ${nameOf(machine)} to say ${wanted}`;
  try {
    return await poll(deadline, what, look, { firstMs: 50, mostMs: 3_000 });
  } catch (thrown) {
    if (!isKind(thrown, 'timeout')) throw thrown;
    const { message } = expectFailure(thrown);
    throw new Failure('timeout', `${message}; its last answer was "${last}"`, {
      advice: "Check the machine's BMC and its power settings in MAAS",
    });
  }
}

/** The power of an instance, from MAAS's word for the state. */
export function powerOf(state: string): 'on' | 'off' | 'unknown' {
  return state === 'on' || state === 'off' ? state : 'unknown';
}
