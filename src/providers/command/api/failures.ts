import { Failure, type FailureKind } from '../../../failure.ts';
import type { SaidError, SaidKind } from '../protocol/failure.ts';
import type { Ended } from './process.ts';

/*
 * The failures that a driver ends with: the one that it answered, or a breach of the protocol. None
 * of them says anything about a machine, so that no rule takes it for "off" or "gone".
 */

const kinds: Readonly<Record<SaidKind, FailureKind>> = {
  missing: 'not-found',
  busy: 'conflict',
  'in-use': 'conflict',
  denied: 'denied',
  unreachable: 'unreachable',
  invalid: 'unsupported',
  unknown: 'upstream',
};

/** The failure that a driver answered; `remote.code` keeps its own word for the kind. */
export function saidFailure(attempt: string, error: SaidError): Failure {
  const { kind, message, sent = true, advice, tenant } = error;
  return new Failure(kinds[kind], `${attempt}: ${message}`, {
    advice,
    tenant,
    remote: { code: kind, sent: sent ? 'maybe' : 'no', message },
  });
}

/** Whether the driver itself answered this kind of failure. */
export function isSaid(thrown: unknown, kind: SaidKind): boolean {
  return thrown instanceof Failure && thrown.remote.code === kind;
}

/** A driver that did not keep to the protocol; the change may have happened. */
export function broken(attempt: string, how: string, advice?: string): Failure {
  return new Failure('upstream', `${attempt}: ${how}`, {
    advice: advice ?? 'The driver has to be corrected: outrigger driver check PATH',
    remote: { sent: 'maybe' },
  });
}

/** The failure of a run that brought no answer; `undefined` for one that may have brought one. */
export function withoutAnswer(attempt: string, ended: Ended, path: string): Failure | undefined {
  const { how, signal, code = '' } = ended;
  if (how === 'not-started') return notStarted(attempt, path, code);
  if (how === 'held') {
    return broken(
      attempt,
      'the driver ended, but a process that it started holds its output open',
      'Start processes that stay with </dev/null >/dev/null 2>&1',
    );
  }
  if (how === 'too-long') return broken(attempt, 'the driver printed more than 8 MiB');
  if (signal !== null) return broken(attempt, `the driver was ended by ${signal}`);
  return undefined;
}

const startTrouble: Readonly<Record<string, string>> = {
  EACCES: 'this user may not execute it, or its first line names a program that he may not execute',
  ENOENT: 'its first line names a program that does not exist',
  ENOEXEC: 'it is no program: its first line has to be such as #!/bin/bash',
};

function notStarted(attempt: string, path: string, code: string): Failure {
  const why = startTrouble[code] ?? code;
  return new Failure('config', `${attempt}: ${path} could not be started: ${why}`, {
    remote: { sent: 'no' },
  });
}
