import { Failure } from '../../../failure.ts';
import type { Fault } from './soap.ts';

/*
 * The meaning of WinRM's fault numbers for this driver. The texts beside them are in the language of
 * the server and decide nothing.
 */

/** Nothing to report before the time-out of the operation: ask again. */
const timedOut = 2150858793;

const shellLost = 2150858843;

const shells = 'MaxShellsPerUser (winrm/config/winrs)';
const operations = 'MaxConcurrentOperationsPerUser (winrm/config/service)';
const users = 'MaxConcurrentUsers (winrm/config/winrs)';
const others = 'the quotas of WinRM and of its plugins (winrm get winrm/config)';

/** Too many shells, operations, users or plugin requests, which goes away by itself, with the limit. */
const busy = new Map([
  [2150859173, shells],
  [2150859174, operations],
  [2150859175, others],
  [2150859176, others],
  [2150859179, users],
  ...[236, 237, 238, 239, 240, 241, 242].map((end) => [2150859000 + end, others] as const),
]);

/** The pipe of a process that has ended. */
const pipeEnded = new Set([109, 232]);

export function isStillRunning({ code, subcode }: Fault): boolean {
  return code === timedOut || (code === 0 && subcode === 'TimedOut');
}

export function isBusy({ code }: Fault): boolean {
  return busy.has(code);
}

export function isPipeEnded({ code }: Fault): boolean {
  return pipeEnded.has(code);
}

/** For a shell that was not opened, or a request that was not begun, since too much goes on there. */
export function noRoom(fault: Fault, host: string, wanted: 'shell' | 'request'): Failure {
  const text = `WinRM on ${host} allows no further ${wanted} (${fault.code})${remoteText(fault)}`;
  return new Failure('conflict', text, {
    advice: `Let fewer actions run at once, or raise the limit there: ${busy.get(fault.code)}`,
    facts: factsOf(fault),
  });
}

/** `what` completes "... while ...". */
export function faultFailure(fault: Fault, host: string, what: string): Failure {
  const { code } = fault;
  const facts = factsOf(fault);
  if (code === 5) {
    return new Failure('denied', `WinRM on ${host} lets the account in but allows it nothing`, {
      advice:
        'Give it Read and Execute there (winrm configSDDL default), which the group "Remote Management Users" does not; a local administrator needs LocalAccountTokenFilterPolicy=1',
      outage: true,
      facts,
    });
  }
  if (code === 2150859180) {
    return new Failure('config', `WinRM on ${host} does not allow remote shells`, {
      advice: 'Allow them: Set-Item WSMan:\\localhost\\Shell\\AllowRemoteShellAccess $true',
      outage: true,
      facts,
    });
  }
  if (code === shellLost) {
    return new Failure('upstream', `WinRM on ${host} lost our shell while ${what}`, {
      advice: 'Was the service restarted? What was going on may have been done or not',
      facts,
    });
  }
  return new Failure(
    'upstream',
    `WinRM on ${host} failed while ${what} (${code})${remoteText(fault)}`,
    {
      facts,
    },
  );
}

function factsOf({ code, subcode }: Fault): Readonly<Record<string, unknown>> {
  return { wsman: code, subcode };
}

function remoteText({ text }: Fault): string {
  return text === '' ? '' : `: ${text.slice(0, 300)}`;
}
