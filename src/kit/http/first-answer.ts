import { Failure } from '../../failure.ts';
import { type Attempt, where } from './errors.ts';

/** How long the beginning of the first answer of a system is waited for. */
export interface FirstAnswer {
  readonly limitMs: number;
  /** The system was unreachable moments ago, and the limit is short for that reason alone. */
  readonly shortened: boolean;
}

/** Any system that is well begins its first answer in this time. */
const silentMs = 5000;

/** The half of the time that is left remains for the other endpoint where there is `another`. */
export function firstAnswerWithin(leftMs: number, suspect: boolean, another: boolean): FirstAnswer {
  const shareMs = another ? leftMs / 2 : Infinity;
  return { limitMs: Math.min(suspect ? silentMs : Infinity, shareMs), shortened: suspect };
}

/** Whether a system that was silent for so long is out, and it is not our own time that is short. */
export function isSilent(waitedMs: number): boolean {
  return waitedMs > silentMs;
}

/** The server took the connection and the request, and nothing came back. */
export function silence(attempt: Attempt, { limitMs, shortened }: FirstAnswer): Failure {
  const before = shortened ? 'was unreachable moments ago and now ' : '';
  const waited = `within ${Math.round(limitMs / 100) / 10} s`;
  return new Failure(
    'unreachable',
    `${where(attempt)} ${before}took the connection, but did not answer ${attempt.what} ${waited}`,
    {
      remote: { sent: 'maybe', code: 'ETIMEDOUT' },
      advice: 'Its service or something in front of it hangs: look there whether it answers',
      ...(shortened ? { reason: 'short-wait' } : {}),
    },
  );
}
