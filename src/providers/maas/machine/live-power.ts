import type { Power } from '../../../contract/machine.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { askBmc, powerOf } from './bmc.ts';
import type { Session } from './session.ts';

/** The part of the time that is kept for the answer. */
const marginMs = 500;

/** A BMC takes a second or so: that many, one after another, are done well within a report. */
const bmcsPerConnection = 8;
const mostConnections = 4;

/**
 * On is believed, since a wrong one does no harm before MAAS corrects it; for everything else the
 * BMC is asked: off makes CloudStack stop the instance and give its network away.
 *
 * One after another on the connection that is there; only many share more connections.
 */
export async function powersNow(
  session: Session,
  machines: readonly Machine[],
): Promise<readonly Power[]> {
  const known = machines.map(powerWithoutAsking);
  const asked = machines.filter((_, at) => known[at] === undefined);
  const connections = Math.min(mostConnections, Math.ceil(asked.length / bmcsPerConnection));
  const limitOf = shareTime(session, asked.length, connections);
  const answers = await mapLimit(asked, connections, async ({ system_id }) => {
    const limitMs = limitOf();
    return limitMs <= 0 ? 'unknown' : powerOf(await askBmc(session, system_id, limitMs));
  });
  const inTurn = answers.values();
  return known.map((power) => power ?? inTurn.next().value ?? 'unknown');
}

/** So long one BMC may take where MAAS believes that the machine is on: most calls ask in vain. */
const doubtMs = 3_000;

/**
 * The power of one instance's machine. Its BMC is asked also where MAAS believes that it is on, which
 * MAAS goes on believing for minutes after a power failure; a BMC that does not answer leaves it at that.
 */
export async function powerNow(session: Session, machine: Machine): Promise<Power> {
  const known = powerWithoutAsking(machine);
  const isDoubtful = known === 'on' && !isManual(machine);
  if (!isDoubtful) return known ?? (await powersNow(session, [machine]))[0] ?? 'unknown';
  const limitMs = Math.min(doubtMs, session.deadline.remainingMs() - marginMs);
  const answer = limitMs <= 0 ? 'unknown' : await askBmc(session, machine.system_id, limitMs);
  return answer === 'unknown' ? known : powerOf(answer);
}

/**
 * How long the next BMC may take: its share of the time that is left, so that one that does not
 * answer takes little from the others, but as much as a slow one needs.
 */
function shareTime({ deadline }: Session, count: number, connections: number): () => number {
  const leftMs = (): number => Math.max(0, deadline.remainingMs() - marginMs);
  const slowMs = Math.min(3_000, leftMs() / 5);
  let waiting = count;
  return () => {
    const turns = Math.ceil(waiting / connections);
    waiting -= 1;
    return Math.min(leftMs(), Math.max(slowMs, leftMs() / turns));
  };
}

/** `undefined` where only the BMC can tell. */
function powerWithoutAsking(machine: Machine): Power | undefined {
  if (machine.status !== status.deployed) return 'unknown';
  if (machine.power_state === 'on') return 'on';
  return isManual(machine) ? 'unknown' : undefined;
}

function isManual({ power_type: type }: Machine): boolean {
  return type === '' || type === 'manual';
}
