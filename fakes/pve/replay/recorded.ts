/* The parts of a recorded conversation, as the files in `transcript` keep them. */

/** One recorded call with what the real server answered. */
export interface Recorded {
  readonly title?: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | { readonly repeat: string; readonly bytes: number };
  readonly status: number;
  readonly reason: string;
  readonly errors?: Readonly<Record<string, string>>;
  /** The text in the body; true when it is the status line's with a newline. */
  readonly message?: string | true;
  /** The names of what stood under `data`, in an object or in the rows of a list. */
  readonly keys?: string;
  /** The kind of value under `data`: null, list, object or a plain type. */
  readonly data?: string;
  readonly upid?: string;
  /** Power in an answer of `status/current`. */
  readonly power?: string;
  /** How the task that it started ended. */
  readonly task?: Ended;
  /** Tasks that were waited for besides. */
  readonly more?: readonly Ended[];
  /** The Connection headers of the answer. */
  readonly connection?: readonly string[];
  readonly plain?: boolean;
}

interface Ended {
  readonly type: string;
  readonly exit: string;
}

/** A difference between the fake and the recording. */
export interface Difference {
  readonly where: string;
  readonly field: string;
  readonly recorded: unknown;
  readonly faked: unknown;
}
