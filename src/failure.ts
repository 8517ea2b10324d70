/** What the operator has to do next, as one word. */
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

export interface FailureOptions {
  readonly cause?: unknown;
  /** What to do about it, as a sentence for the operator. */
  readonly advice?: string | undefined;
  /** A sentence that any tenant may read; without one a tenant gets a neutral text for the kind. */
  readonly tenant?: string | undefined;
  /** Every call to the same endpoint will fail alike for now; implied by `unreachable`. */
  readonly outage?: boolean;
  /** What only the log may show: ids, owners, task logs. */
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
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, options);
    this.name = 'Failure';
    this.kind = kind;
    this.advice = options.advice;
    this.tenant = options.tenant;
    this.outage = options.outage ?? kind === 'unreachable';
    this.facts = options.facts ?? {};
  }

  /** A Failure passes untouched; anything else becomes `internal`, once. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return new Failure('internal', `Something that should not happen did: ${text}`, {
      cause: thrown,
      advice: 'Please report it with the lines of the log that carry this reference',
    });
  }
}

/** The message and the advice as the operator reads them, each ended by a full stop. */
export function fullText(failure: Failure): string {
  return [failure.message, failure.advice]
    .filter((part): part is string => part !== undefined && part !== '')
    .map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(' ');
}
