import { readFileSync, statSync } from 'node:fs';
import { removePayload } from './remove-payload.ts';

/*
 * Commands of the management server's own, which it hands on under the name of their Java class with
 * nothing but that name in the payload. One comes every three minutes for each NIC without an address,
 * so this loads no part of the file beside the first one and reads no payload.
 */

/** The result of such a command; `undefined` for any other word. */
export function internalResult(
  action: string,
): { readonly exitCode: 0 | 1; readonly text: string } | undefined {
  if (!/^[a-z]\w*(\.\w+)+$/.test(action)) return undefined;
  if (action.endsWith('.GetVmIpAddressCommand')) {
    // A failure is asked for again for ever, a success ten times. An address would be written to the
    // NIC, and the call does not say of which instance it is.
    return { exitCode: 0, text: '{"status":"success","message":"No address is known"}\n' };
  }
  const error = `CloudStack's internal command ${action} is not supported by extensions`;
  return { exitCode: 1, text: `${JSON.stringify({ status: 'error', error })}\n` };
}

/**
 * Answers such a command at once, its payload file removed; `undefined` when there is more to do, since
 * it is another call or because the operator wants its line in the log or its payload.
 */
export function answerInternal(
  [action = '', file = '']: readonly string[],
  { configFile, home }: { readonly configFile: string; readonly home: string | undefined },
): { readonly exitCode: 0 | 1; readonly text: string } | undefined {
  const result = internalResult(action);
  if (result === undefined || wantsMore(configFile)) return undefined;
  removePayload(file, home);
  return result;
}

/** A configuration that cannot be read is left to the code that says what is wrong with it. */
function wantsMore(configFile: string): boolean {
  try {
    const found = statSync(configFile, { throwIfNoEntry: false });
    if (found === undefined) return false;
    if (!found.isFile()) return true;
    const { log, keep_payloads } = JSON.parse(readFileSync(configFile, 'utf8'));
    return log?.level === 'debug' || keep_payloads === true;
  } catch {
    return true;
  }
}
