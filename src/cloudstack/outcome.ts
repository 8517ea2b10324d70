import type { Cell, Outcome, Quantity } from '../contract/action.ts';
import type { Body } from './call-result.ts';

/*
 * The answer to a custom action as CloudStack's user interface shows it well in every release: a list,
 * never empty, of flat objects whose keys are the columns. Cells go by position, and a cell is as wide
 * as its longest line.
 */

type Shown = string | number;
type Row = Readonly<Record<string, Shown>>;

/** About what fits beside a short column. */
const widest = 50;

/** `clean` takes secrets out of a text, which has to be done before the text is broken into lines. */
export function outcomeBody(outcome: Outcome, clean: (text: string) => string): Body {
  return { printmessage: true, message: tableOf(outcome, clean) };
}

function tableOf(outcome: Outcome, clean: (text: string) => string): readonly Row[] {
  const { message, rows = [], facts, toCopy } = outcome;
  const shown = (value: Cell): Shown => inWords(value, (text) => inLines(clean(text)));
  if (facts !== undefined) {
    return Object.entries(facts).map(([title, value]) => ({
      Property: title,
      Value: shown(value),
    }));
  }
  if (rows.length === 0) return [{ Result: shown(asSentence(message)) }];
  const titles = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (row: Readonly<Record<string, Cell>>, title: string): Shown => {
    const value = row[title] ?? '';
    return title === toCopy ? inWords(value, clean) : shown(value);
  };
  return rows.map((row) => Object.fromEntries(titles.map((title) => [title, cell(row, title)])));
}

function asSentence(message: string): string {
  return message === '' || /[.!?]$/.test(message) ? message : `${message}.`;
}

function inWords(value: Cell, text: (text: string) => string): Shown {
  if (value === null) return '';
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return text(value);
  if (value instanceof Date) return timeOf(value);
  if (isList(value)) return value.map(text).join('\n');
  return 'bytes' in value ? sizeOf(value.bytes) : durationOf(value.seconds);
}

function isList(value: Quantity | readonly string[]): value is readonly string[] {
  return Array.isArray(value);
}

function timeOf(time: Date): string {
  if (Number.isNaN(time.getTime())) return '';
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

function sizeOf(bytes: number): string {
  const steps = bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10);
  const step = Math.min(steps, units.length - 1);
  const amount = Math.round((bytes / 1024 ** step) * 10) / 10;
  return `${amount} ${units[step]}`;
}

/** The two largest units of a time, such as `3 d 4 h`. */
function durationOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first < 0 ? 3 : first, first < 0 ? 4 : first + 2)
    .filter(([amount], at) => at === 0 || amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

/** With a line break after every piece: no sign is lost for a reader who copies the text. */
function inLines(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => pieces(line))
    .join('\n');
}

/** Broken behind the last blank, else behind the last mark between words, else anywhere. */
function pieces(line: string): string[] {
  const found: string[] = [];
  let rest = line;
  while (rest.length > widest) {
    // Half a character is none.
    const start = rest.slice(0, widest).replace(/[\ud800-\udbff]$/, '');
    const at = lastBreak(start, /\s/g) ?? lastBreak(start, /[,;/:]/g) ?? start.length;
    found.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  return [...found, rest];
}

/** Behind the last match, unless that leaves a line that is hardly begun. */
function lastBreak(text: string, mark: RegExp): number | undefined {
  const ends = [...text.matchAll(mark)].map(({ index }) => index + 1);
  const last = ends[ends.length - 1];
  return last !== undefined && last > widest / 3 ? last : undefined;
}
