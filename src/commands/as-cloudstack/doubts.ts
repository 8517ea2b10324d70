import { parseGson } from './gson.ts';
import { asText } from './json.ts';
import { pipeBytes } from './pipes.ts';
import type { Raw } from './raw.ts';

/** How an answer that exits with 0 says that it failed, if it does. */
export function saysFailure(text: string): string | undefined {
  const json = parseGson(text);
  if (json?.kind !== 'object') return undefined;
  const [status, success, error] = ['status', 'success', 'error'].map((key) =>
    asText(json.members.get(key)),
  );
  if (/^(error|fail(ed|ure)?)$/i.test(status ?? '')) return `"status" is "${status}"`;
  if (success?.toLowerCase() === 'false') return '"success" is false';
  return status === undefined && (error ?? '') !== '' ? 'there is an "error"' : undefined;
}

/** Whether the text is exactly one JSON document, read strictly. */
export function isOneDocument(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Facts that the author of an extension should know although CloudStack says nothing. */
export function doubtsAbout(raw: Raw): string[] {
  const said = raw.succeeded ? saysFailure(raw.text) : undefined;
  const found: (string | false)[] = [
    said !== undefined && `${said}, but exit code 0 counts as success`,
    raw.ended === 'time-out' && 'SIGKILL came without warning; what was printed is thrown away',
    raw.bytes === pipeBytes && 'Exactly 64 KiB: probably cut off, and one byte more hangs',
    raw.bytes > 60_000 && raw.bytes < pipeBytes && 'Close to 64 KiB, beyond which the call hangs',
  ];
  return found.filter((doubt): doubt is string => doubt !== false);
}
