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

/**
 * The parts of an output that the user interface of some release shows badly, each in a sentence. Only
 * a list of flat objects with the same keys in the same order is shown well by all.
 */
export function displayDoubts(text: string): string[] {
  const answer = parsed(text);
  const wanted = answer?.['printmessage'];
  if (wanted !== true && String(wanted).toLowerCase() !== 'true') return [];
  const message = answer?.['message'];
  if (!Array.isArray(message) || message.length === 0 || !message.every(isMembers)) {
    return [
      `The message is ${shapeOf(message)}: only a list of objects is a table in all releases`,
    ];
  }
  const rows: readonly Members[] = message;
  const titles = Object.keys(rows[0] ?? {});
  return [
    ...(hasCrookedRow(rows)
      ? ["Rows differ in their keys, but cells are shown by position under the first row's"]
      : []),
    ...(titles.length > mostColumns
      ? [`The table has ${titles.length} columns, and more than ${mostColumns} do not fit`]
      : []),
    ...titles
      .filter((title) => /^[a-z]|_|[a-z][A-Z]/.test(title))
      .map((title) => `The column "${title}" has a name for programs, which people read as it is`),
    ...new Set(rows.flatMap((row) => Object.entries(row).flatMap(cellDoubts))),
  ];
}

const mostColumns = 5;
const widest = 60;

function shapeOf(message: unknown): string {
  if (Array.isArray(message))
    return message.length === 0 ? 'an empty list' : 'a list of other things';
  return isMembers(message) ? 'one object' : 'no list';
}

function hasCrookedRow(rows: readonly Members[]): boolean {
  return new Set(rows.map((row) => Object.keys(row).join('\n'))).size > 1;
}

function cellDoubts([title, cell]: readonly [string, unknown]): string[] {
  if (typeof cell === 'number') return [];
  if (typeof cell !== 'string') {
    return [
      `A cell of "${title}" is shown as ${typeof cell === 'object' ? JSON.stringify(cell) : cell}`,
    ];
  }
  return [
    ...(/\d{4}-\d\d-\d\dT\d\d:/.test(cell) ? [`A cell of "${title}" has a time for programs`] : []),
    ...(cell.split('\n').some(isTooWide)
      ? [`A cell of "${title}" has a line of more than ${widest} characters, which is never broken`]
      : []),
  ];
}

/** A single word may be an id that has to be copied. */
function isTooWide(line: string): boolean {
  return line.length > (/\s/.test(line.trim()) ? widest : 2 * widest);
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
