import type { CommandWorld } from '../command.ts';
import { type Cell, table, wrapped } from '../table.ts';
import { columnsOf, paintFor } from '../terminal.ts';
import type { Finding, Severity } from './finding.ts';

export interface Counts {
  readonly instances: number;
  readonly machines: number;
  readonly hosts: number;
}

/** Nagios's exit codes; a critical finding outranks what could not be seen. */
export function exitCodeFor(findings: readonly Finding[]): 0 | 1 | 2 | 3 {
  const has = (severity: Severity): boolean => findings.some((each) => each.severity === severity);
  if (has('critical')) return 2;
  if (has('unknown')) return 3;
  return has('warning') ? 1 : 0;
}

const words = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** Nagios shows the first line; the rest is for the operator who looks closer. */
export function readable(
  findings: readonly Finding[],
  counts: Counts,
  world: CommandWorld,
): string[] {
  const paint = paintFor(world);
  const colours = { warning: paint.yellow, critical: paint.red, unknown: paint.yellow };
  const code = exitCodeFor(findings);
  const { instances, machines, hosts } = counts;
  const head = `OUTRIGGER ${words[code]} - ${findings.length} findings; ${instances} instances, ${machines} machines, ${hosts} hosts | findings=${findings.length} instances=${instances} machines=${machines}`;
  const first = Math.max(0, ...findings.map(({ kind, subject }) => kind.length + subject.length));
  const width = Math.max(40, columnsOf(world) - first - 16);
  const rows: Cell[][] = findings.flatMap(({ severity, kind, subject, found, advice }) => [
    ...wrapped(found, width).map((line, at) =>
      at === 0
        ? [{ text: severity, paint: colours[severity] }, kind, subject, line]
        : ['', '', '', line],
    ),
    ...(advice === undefined ? [] : wrapped(`-> ${advice}`, width)).map((line) => [
      '',
      '',
      '',
      line,
    ]),
  ]);
  // A monitoring system shows the other lines as they are, to people who know them.
  return [head, ...table(rows), ...(world.terminal ? [nextStep(findings)] : [])];
}

/** The next thing that the operator does. */
function nextStep(findings: readonly Finding[]): string {
  return findings.length === 0
    ? 'Next: nothing. Let a monitoring system run this command.'
    : 'Next: follow the advice of the critical findings, then of the others, and run audit again.';
}
