import { sentence } from '../failure.ts';
import type { Conclusion } from './as-cloudstack/conclude.ts';
import type { Raw } from './as-cloudstack/raw.ts';
import { type Cell, table, wrapped } from './table.ts';
import { type Paint, shellWord, visible, visibleLines } from './terminal.ts';

/** A run for reading: command line, how it ended, and what came out. */
export function describeRun(raw: Raw, paint: Paint): string[] {
  const output = raw.output.replace(/\n$/, '');
  return [
    paint.bold(`$ ${raw.command.map((word) => visible(shellWord(word))).join(' ')}`),
    ...(output === '' ? [] : visibleLines(output)),
    paint.dim(`[${howItEnded(raw)}, ${duration(raw.durationMs)}, ${raw.bytes} bytes]`),
    ...raw.notes.flatMap((note) => wrapped(`Note: ${sentence(note)}`)),
  ];
}

/** The end of a run in a few words. */
export function howItEnded({ ended, exitCode, signal }: Raw): string {
  if (ended === 'time-out') return 'killed at the time-out';
  if (ended === 'not-configured') return 'not run';
  if (ended === 'not-started') return 'could not be started';
  return signal === undefined ? `exit code ${exitCode}` : `exit code ${exitCode} by ${signal}`;
}

export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** CloudStack's conclusion, for reading. */
export function describeConclusion(conclusion: Conclusion, paint: Paint): string[] {
  const { success, verdict, shown, prepared, powers, table: rows, console, doubts } = conclusion;
  const word = success ? paint.green('CloudStack: ') : paint.red('CloudStack: ');
  return [
    ...wrapped(verdict, 68).map((line, index) => (index === 0 ? word : ' '.repeat(12)) + line),
    // A user sees nothing of a network command that succeeds.
    ...(shown === '' ? [] : wrapped(shown, 68)).map(
      (line, index) => (index === 0 ? 'User sees:  ' : ' '.repeat(12)) + line,
    ),
    ...(prepared === undefined ? [] : table(preparedRows(prepared), 12)),
    ...(powers === undefined ? [] : table(Object.entries(powers), 12)),
    ...(console === undefined ? [] : table(consoleRows(console), 12)),
    ...(rows === undefined ? [] : table([rows.columns, ...rows.rows.flatMap(tableLines)], 12)),
    ...doubts.flatMap((doubt) =>
      wrapped(doubt, 68).map((line, index) =>
        paint.yellow((index === 0 ? 'Mind:       ' : ' '.repeat(12)) + line),
      ),
    ),
  ];
}

function preparedRows({ nics, details }: NonNullable<Conclusion['prepared']>): Cell[][] {
  return [
    ...nics.map(({ nicUuid, ...kept }) => ['NIC', nicUuid, Object.values(kept).join(' ')]),
    ...Object.entries(details).map(([key, value]) => ['detail', key, value ?? 'null']),
  ];
}

function consoleRows(console: NonNullable<Conclusion['console']>): Cell[][] {
  return Object.entries(console).map(([key, value]) => [
    key,
    key === 'password' ? '(given)' : String(value),
  ]);
}

/** A row of the table with a line for each line of its cells. */
function tableLines(row: readonly unknown[]): string[][] {
  const cells = row.map((cell) =>
    (typeof cell === 'object' ? JSON.stringify(cell) : String(cell)).split('\n'),
  );
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, at) => cells.map((lines) => lines[at] ?? ''));
}
