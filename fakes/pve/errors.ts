/** An answer that is no success, thrown from wherever it is found out. */
export interface ApiError extends Error {
  readonly status: number;
  readonly errors?: Readonly<Record<string, string>>;
  /** How long the server takes over it, in the cluster's milliseconds. */
  readonly delayMs?: number;
}

type More = Pick<ApiError, 'errors' | 'delayMs'>;

export function apiError(status: number, text: string, more: More = {}): ApiError {
  return Object.assign(new Error(text), { status, ...more });
}

export function isApiError(thrown: unknown): thrown is ApiError {
  return thrown instanceof Error && 'status' in thrown;
}

/** The error that Perl's `die` becomes: 500 in an answer, the exit status in a task. */
export function die(text: string, more: More = {}): never {
  throw apiError(500, text, more);
}

/** 400 with a sentence for each parameter. */
export function badParameters(errors: Readonly<Record<string, string>>): never {
  throw apiError(400, 'Parameter verification failed.', { errors });
}

export function denied(what?: string): never {
  throw apiError(
    403,
    what === undefined ? 'Permission check failed' : `Permission check failed (${what})`,
  );
}

/** An answer with a text of its own, or none, in place of JSON. */
export function bare(status: number, text: string, body = text): ApiError {
  return Object.assign(apiError(status, text), { bare: body });
}
