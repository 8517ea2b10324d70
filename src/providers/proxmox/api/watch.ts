import { expectFailure, reworded, statusOf } from '../../../failure.ts';
import { isOnTheWay } from '../../../kit/http/trouble.ts';
import { poll } from '../../../kit/poll.ts';
import type { Session } from '../machine/session.ts';
import { exitOf, nodeOf, overdue, pace, tail } from './task-state.ts';

/** How long a cluster may not answer while one of its tasks is waited for. */
const mostSilentMs = 5000;

/** What is waited for, for texts. */
export interface Watched {
  /** Completes "Could not ...". */
  readonly what: string;
  /** Completes "while ...". */
  readonly doing: string;
  /** Who begins it takes it back when the time is up, so that it does not go on. */
  readonly takenBack?: true;
}

/** Looks until the task has ended; for a while also at a cluster that does not answer. */
export async function exitAtLast(session: Session, upid: string, work: Watched): Promise<string> {
  const { api } = session;
  let unknown = 0;
  let silentMs: number | undefined;
  const look = async (): Promise<string | undefined> => {
    try {
      const exit = await exitOf(api, upid, work.what);
      silentMs = undefined;
      return exit;
    } catch (thrown) {
      // Just begun, it may not be known yet.
      if (statusOf(thrown) === 400 && unknown++ < 3) return undefined;
      if (!isOnTheWay(thrown)) throw thrown;
      silentMs ??= api.deadline.remainingMs();
      if (silentMs - api.deadline.remainingMs() > mostSilentMs) throw thrown;
      return undefined;
    }
  };
  try {
    return await poll(api.deadline, work.doing, look, pace);
  } catch (thrown) {
    throw await unfinished(session, upid, work, overdue(api, work.doing, thrown));
  }
}

/**
 * Nobody waits for the task any more: how far it has come says whether more time would help, and who
 * does not take it back has to say that it goes on.
 */
async function unfinished(
  session: Session,
  upid: string,
  { takenBack }: Watched,
  thrown: unknown,
): Promise<unknown> {
  if (!isOnTheWay(thrown)) return thrown;
  const failure = expectFailure(thrown);
  const margin = session.api.deadline.forUndo();
  const mayAsk = failure.kind === 'timeout' && margin.remainingMs() >= 1000;
  const lines = mayAsk ? await tail(session.api.under(margin), upid, 300) : [];
  const percent = [...lines.join('\n').matchAll(/\((\d+)(?:\.\d+)?%\)/g)].pop()?.[1];
  const come = percent === undefined ? '' : ` (${percent} % done)`;
  const goesOn = takenBack ? '' : `; it may still run on node ${nodeOf(upid)} as task ${upid}`;
  return reworded(failure, {
    message: `${failure.message}${come}${goesOn}`,
    advice: takenBack ? undefined : waitForIt,
  });
}

const waitForIt = 'Wait for its end there, look at the instance, then try again if need be';
