import { Failure } from '../../../failure.ts';
import type { Fault } from './soap.ts';

/*
 * The meaning of WinRM's fault numbers for this driver. The texts beside them are in the language of
 * the server and decide nothing.
 */

/** Nothing to report before the time-out of the operation: ask again. */
const timedOut = 2150858793;

const shellLost = 2150858843;

/** Too many shells, operations, users or plugin requests: goes away by itself. */
const busy = new Set([
  2150859173, 2150859174, 2150859175, 2150859176, 2150859179, 2150859236, 2150859237, 2150859238,
  2150859239, 2150859240, 2150859241, 2150859242,
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

/** For a shell that was not opened, or a command that was not begun, since too much goes on there. */
export function noShellFree(fault: Fault, host: string): Failure {
  const text = `WinRM on ${host} allows no further shell (${fault.code})${remoteText(fault)}`;
  return new Failure('conflict', text, {
    advice:
      'Raise MaxShellsPerUser there (Set-Item WSMan:\\localhost\\Shell\\MaxShellsPerUser 100), or let fewer actions run at once',
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
