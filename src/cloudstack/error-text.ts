import { type Failure, type FailureKind, fullText, reworded, sentence } from '../failure.ts';
import type { ActionRow } from './actions.ts';
import type { CallFacts } from './call-facts.ts';
import type { Custom } from './custom.ts';

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
 * The text of a failure for its reader, with the reference that finds it in the log, if one does.
 *
 * Where CloudStack shows it to tenants, it names nothing beyond their own instance.
 */
export function errorText(failure: Failure, facts: CallFacts, ref: string | undefined): string {
  const advised = failure.kind === 'timeout' ? withTimeoutAdvice(failure, facts) : failure;
  const text = isForTenants(facts) ? tenantText(advised, facts) : fullText(advised);
  return ref === undefined ? text : `${text} (ref ${ref})`;
}

/** The sentence for tenants, in which an administrator's call has failed as well. */
export function neutralText(failure: Failure, facts: CallFacts): string {
  const advised = failure.kind === 'timeout' ? withTimeoutAdvice(failure, facts) : failure;
  return tenantText(advised, facts);
}

/** Bad arguments come from an operator; CloudStack shows the text of a custom action to its caller. */
function isForTenants({ args, row, caller, network }: CallFacts): boolean {
  // The management server keeps the text of a network command in its own log.
  if (args === undefined || network !== undefined || caller?.role === 'Admin') return false;
  return row?.shownToCaller ?? true;
}

function tenantText(failure: Failure, { row, custom, args }: CallFacts): string {
  const own = failure.tenant;
  if (own !== undefined) return sentence(own);
  const attempt =
    row === undefined
      ? `${custom?.name ?? args?.action} failed`
      : `The instance could not be ${row.pastParticiple}`;
  return `${attempt}: ${neutral[failure.kind]}.`;
}

/** CloudStack sets the longest wait, so the text of a time-out names the setting to raise. */
function withTimeoutAdvice(failure: Failure, facts: CallFacts): Failure {
  const { custom, row, args, deadline } = facts;
  // A call that a signal ended says nothing about the time that CloudStack allowed.
  if (args === undefined || deadline?.wasCutShort() === true) return failure;
  if (failure.advice !== undefined) return failure;
  const allowed = args.timeoutSeconds;
  const advice = custom === undefined ? rowAdvice(row, allowed) : customAdvice(custom, allowed);
  if (advice === undefined) return failure;
  return reworded(failure, { advice, tenant: failure.tenant ?? tenantAdvice(custom, allowed) });
}

function rowAdvice(row: ActionRow | undefined, allowed: number): string | undefined {
  if (row === undefined || row.usesFailureMemo === true) return undefined;
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

function tenantAdvice(custom: Custom | undefined, allowed: number): string | undefined {
  if (custom === undefined || allowed >= custom.action.timeoutSeconds) return undefined;
  const { name, action } = custom;
  return `${name} was given only ${allowed} s; ask your administrator to set the time-out of this action to ${action.timeoutSeconds} s`;
}
