import { unreadable } from '../../src/commands/as-cloudstack/api-text.ts';

/**
 * Why CloudStack could not pass the whole output on: it has to be one line that fits into the pipe, with
 * no control character and no escape that breaks the API's own answer. `undefined` when it can.
 */
export function formFault(output: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matched on purpose
  if (!/^[^\u0000-\u001f\u007f-\u009f]+\n$/.test(output)) return 'not one line of printable text';
  if (Buffer.byteLength(output) > 60_000) return `${Buffer.byteLength(output)} bytes long`;
  if (/\\u[0-9a-f]{4}/i.test(output)) return 'an escape where a letter has to stand';
  if (/\\[bfr]/.test(output.replace(/\\\\/g, ''))) return 'an escaped control character';
  return unreadable(output.trim());
}
