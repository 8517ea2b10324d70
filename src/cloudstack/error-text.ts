import type { Caller } from '../contract/instance.ts';
import { Failure, type FailureKind, fullText } from '../failure.ts';
import type { ActionRow } from './actions.ts';
import type { Custom } from './custom.ts';

/** What failed, as far as its wording goes. */
export interface Attempt {
  readonly row?: ActionRow | undefined;
  readonly custom?: Custom;
  /** CloudStack shows the text to whoever asked. */
  readonly shown?: boolean;
  readonly caller?: Caller;
  /** The word on the command line. */
  readonly action: string | undefined;
  /** What CloudStack allowed, where that may have been too little. */
  readonly timeoutSeconds: number | undefined;
}

const neutral: Readonly<Record<FailureKind, string>> = {
  usage: 'the request was not complete; please tell your administrator',
  config: 'its host is not set up correctly; please tell your administrator',
  unsupported: 'this is not available here',
  'not-found': 'something that is needed for it was not found',
  conflict: 'it is busy or in a state that does not allow this; please try again later',
  denied: 'this is not allowed; please ask your administrator',
  unreachable: 'the system that runs it does not answer; please try again later',
  timeout: 'it took too long; please look at its state before trying again',
  upstream: 'the system that runs it refused; please tell your administrator',
  internal: 'something went wrong; please tell your administrator',
};

/**
 * The text of a failure for whoever will read it, with the reference that finds it in the log.
 *
 * Where CloudStack shows it to tenants it names nothing beyond their own instance.
 */
export function errorText(failure: Failure, attempt: Attempt, ref: string): string {
  const advised = failure.kind === 'timeout' ? withTimeoutAdvice(failure, attempt) : failure;
  const text = mayReadAll(attempt) ? fullText(advised) : tenantText(advised, attempt);
  return `${text} (ref ${ref})`;
}

function mayReadAll({ shown, caller }: Attempt): boolean {
  return shown !== true || caller?.role === 'Admin';
}

function tenantText(failure: Failure, { row, custom, action }: Attempt): string {
  const own = failure.tenant;
  if (own !== undefined) return /[.!?]$/.test(own) ? own : `${own}.`;
  const what =
    row === undefined
      ? `${custom?.name ?? action} failed`
      : `The instance could not be ${row.done}`;
  return `${what}: ${neutral[failure.kind]}.`;
}

/** The longest wait is CloudStack's to set, so a time-out says which of its settings that is. */
function withTimeoutAdvice(failure: Failure, attempt: Attempt): Failure {
  const { custom, row, timeoutSeconds: allowed } = attempt;
  if (allowed === undefined || failure.advice !== undefined) return failure;
  const advice = custom === undefined ? rowAdvice(row, allowed) : customAdvice(custom, allowed);
  if (advice === undefined) return failure;
  return new Failure('timeout', failure.message, {
    cause: failure.cause,
    facts: failure.facts,
    advice,
    tenant: failure.tenant ?? tenantAdvice(attempt, allowed),
  });
}

function rowAdvice(row: ActionRow | undefined, allowed: number): string | undefined {
  if (row === undefined || row.remembers === true) return undefined;
  const setting =
    row.command === undefined
      ? 'the global setting "wait"'
      : `${row.command} in the global setting "commands.timeout" (or "wait")`;
  return `CloudStack allowed ${allowed} s: if the system is only slow, raise ${setting}`;
}

function customAdvice({ name, action }: Custom, allowed: number): string | undefined {
  if (allowed >= action.timeoutSeconds) return undefined;
  const wanted = action.timeoutSeconds;
  return `CloudStack allowed ${allowed} s, ${name} needs ${wanted}: updateCustomAction timeout=${wanted}`;
}

function tenantAdvice({ custom }: Attempt, allowed: number): string | undefined {
  if (custom === undefined || allowed >= custom.action.timeoutSeconds) return undefined;
  const { name, action } = custom;
  return `${name} was given only ${allowed} s; ask your administrator to set the time-out of this action to ${action.timeoutSeconds} s`;
}
