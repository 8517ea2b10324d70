import { isMembers, type Members } from '../json.ts';

/** The part of a custom action that is left in the user interface besides the message template. */
export interface ShownTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * The table that the user interface makes of an output: only with `printmessage`, only of objects,
 * with the keys of the first as columns and every row by position.
 */
export function shownTable(text: string): ShownTable | undefined {
  const answer = parsed(text);
  const wanted = answer?.['printmessage'];
  if (wanted !== true && String(wanted).toLowerCase() !== 'true') return undefined;
  const message = answer?.['message'];
  const objects = Array.isArray(message)
    ? message.filter(isMembers)
    : isMembers(message)
      ? [message]
      : [];
  const first = objects[0];
  if (first === undefined || Object.keys(first).length === 0) return undefined;
  if (Array.isArray(message) && objects.length < message.length) return undefined;
  return { columns: Object.keys(first), rows: objects.map((row) => Object.values(row)) };
}

/** Whether a row has its cells in another order than the columns say. */
export function hasCrookedRow(text: string): boolean {
  const message = parsed(text)?.['message'];
  if (!Array.isArray(message)) return false;
  const keys = message.filter(isMembers).map((row) => Object.keys(row).join('\n'));
  return new Set(keys).size > 1;
}

// The browser reads the output, not Gson, so this is plain JSON.
function parsed(text: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMembers(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
