/** The kind of the operator's next step, as one word. */
export type FailureKind =
  | 'usage'
  | 'config'
  | 'unsupported'
  | 'not-found'
  | 'conflict'
  | 'denied'
  | 'unreachable'
  | 'timeout'
  | 'upstream'
  | 'internal';

/** Why something failed where the kind alone does not decide what the code does next. */
export type FailureReason =
  /** The machine stopped being the instance's while something was done to it. */
  | 'taken-away'
  /** The remote system gave the deployment up. */
  | 'deploy-failed'
  /** The machine that was to be deployed never had power. */
  | 'no-power'
  /** We gave the deployment up, and the machine may be innocent. */
  | 'deploy-slow'
  /** The login itself did not work; the credentials were never judged. */
  | 'login'
  /** PowerShell reported it, in contrast to trouble on the way there. */
  | 'powershell'
  /** No machine was made here so far, which is no mistake before the first one. */
  | 'nothing-made'
  /** The failure memo repeats what an earlier call met. */
  | 'remembered'
  /** Less time was given to an answer than there was, since the memo says that the system was out. */
  | 'short-wait';

/** The remote system's answer, or its absence, as far as code decides by it. */
export interface Remote {
  /** The status of its answer; absent when none came. */
  readonly status?: number;
  /** The transport's name for its error, such as `ECONNREFUSED`. */
  readonly code?: string | undefined;
  /** Whether it can have seen the request; absent when it answered. */
  readonly sent?: 'no' | 'maybe';
  /** The text of its answer. */
  readonly message?: string;
  /** How a task that it ran has ended, in its own words. */
  readonly exit?: string;
  /** How long it asked us to stay away. */
  readonly retryAfterMs?: number;
  /** The parameters that it refused, each with its reason. */
  readonly errors?: Readonly<Record<string, unknown>>;
}

export interface FailureOptions {
  readonly cause?: unknown;
  /** The remedy, as a sentence for the operator. */
  readonly advice?: string | undefined;
  /** A sentence that any tenant may read; without one a tenant gets a neutral text for the kind. */
  readonly tenant?: string | undefined;
  /** Every call to the same endpoint will fail alike for now; implied by `unreachable`. */
  readonly outage?: boolean;
  readonly remote?: Remote;
  readonly reason?: FailureReason | undefined;
  /** The reference under which an earlier call has logged it. */
  readonly ref?: string | undefined;
  /** Facts that only the log shows: ids, owners, task logs. Code never decides by these. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * The one error: a kind and one sentence that says what was tried, on what and what came back.
 *
 * The message is written for the operator and never holds a secret.
 */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly advice: string | undefined;
  readonly tenant: string | undefined;
  readonly outage: boolean;
  readonly remote: Remote;
  readonly reason: FailureReason | undefined;
  readonly ref: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, options);
    this.name = 'Failure';
    this.kind = kind;
    this.advice = options.advice;
    this.tenant = options.tenant;
    this.outage = options.outage ?? kind === 'unreachable';
    this.remote = options.remote ?? {};
    this.reason = options.reason;
    this.ref = options.ref;
    this.facts = options.facts ?? {};
  }

  /** A Failure passes untouched; anything else becomes `internal`, once. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return new Failure('internal', `Internal error: ${text}`, {
      cause: thrown,
      advice: 'Please report it with the lines of the log that carry this reference',
    });
  }
}

/**
 * The thrown Failure, for a catch that goes on without what failed. A programmer's error is thrown
 * again, so that no catch turns it into trouble with the remote system.
 */
export function expectFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure && thrown.kind !== 'internal') return thrown;
  throw thrown;
}

/** The same failure in other words, or with more known of the remote system; all else stays. */
export function reworded(
  failure: Failure,
  given: Pick<FailureOptions, 'advice' | 'tenant' | 'remote'> & { readonly message?: string },
  { reason = failure.reason, ref = failure.ref }: Pick<FailureOptions, 'reason' | 'ref'> = {},
): Failure {
  const { kind, cause, outage, facts } = failure;
  return new Failure(kind, given.message ?? failure.message, {
    ...{ cause, outage, reason, ref, facts },
    remote: given.remote ?? failure.remote,
    advice: given.advice ?? failure.advice,
    tenant: given.tenant ?? failure.tenant,
  });
}

/** The text with a full stop, unless it ends a sentence already, also inside a quotation or brackets. */
export function sentence(text: string): string {
  return /[.!?\u2026:][)"'\u201d]?$/.test(text) ? text : `${text}.`;
}

/** The message and the advice as the operator reads them, each ended by a full stop. */
export function fullText({ message, advice }: Pick<Failure, 'message' | 'advice'>): string {
  return [message, advice]
    .filter((part): part is string => part !== undefined && part !== '')
    .map(sentence)
    .join(' ');
}

/*
 * Questions that a catch may ask of the value that it caught. All of them answer "no" for a programmer's
 * error, which therefore goes the way of every failure that the catch does not expect.
 */

export function isKind(thrown: unknown, ...kinds: readonly FailureKind[]): boolean {
  return thrown instanceof Failure && kinds.includes(thrown.kind);
}

export function isOutage(thrown: unknown): boolean {
  return thrown instanceof Failure && thrown.outage;
}

export function hasReason(thrown: unknown, reason: FailureReason): boolean {
  return thrown instanceof Failure && thrown.reason === reason;
}

/** The status that the remote system answered with; `undefined` when it did not answer. */
export function statusOf(thrown: unknown): number | undefined {
  return thrown instanceof Failure ? thrown.remote.status : undefined;
}

/** The remote system's own words; empty for trouble on the way. */
export function remoteMessage(thrown: unknown): string {
  if (!(thrown instanceof Failure)) return '';
  return thrown.remote.message ?? thrown.remote.exit ?? '';
}

/** Whether the remote system certainly did nothing about the request, since none reached it. */
export function wasNotSent(thrown: unknown): boolean {
  return thrown instanceof Failure && thrown.remote.sent === 'no';
}
