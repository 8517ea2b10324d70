import { duration } from '../describe.ts';
import { wrapped } from '../table.ts';
import { type Paint, visible } from '../terminal.ts';
import type { Call, Line } from './line.ts';
import { isRunning } from './select.ts';

/** Facts of every line that the head of its call shows already. */
const common = new Set([
  ...['time', 'level', 'event', 'ref', 'call', 'pid', 'host', 'action', 'vm', 'name', 'provider'],
  ...['caller', 'ms', 'outcome', 'error', 'advice', 'tenant'],
]);

/** A call for reading: when, where and what, then how it went, then how it ended. */
export function describeCall(call: Call, paint: Paint, columns: number): string[] {
  const { lines, end } = call;
  const first = lines[0];
  if (first === undefined) return [];
  const known = end ?? lines[lines.length - 1] ?? first;
  const steps = lines.filter((line) => line !== end);
  return [
    `${paint.bold(when(first.time))}  ${headOf(known)}  ${verdict(known, call, paint)}`,
    ...steps.flatMap((line) => step(line, first, columns).map(paint.dim)),
    ...(end === undefined ? [] : ending(end, columns, paint)),
  ];
}

function when(time: string): string {
  return time.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

function headOf({ host, action, name, vm, facts }: Line): string {
  const caller = facts['caller'];
  const words = [action || '-', name, vm, host === '' ? '' : `on ${host}`];
  if (typeof caller === 'string') words.push(`for ${caller}`);
  return visible(words.filter((word) => word !== '').join(' '));
}

function verdict({ ref, call: id }: Line, call: Call, paint: Paint): string {
  const { end } = call;
  const reference = paint.dim(visible(ref === '' ? '' : `ref ${ref}`));
  if (end === undefined && id === '') return reference;
  if (end === undefined) {
    return `${isRunning(call) ? 'still running' : paint.red('no end')} ${reference}`;
  }
  const ms = Number(end.facts['ms'] ?? 0);
  const outcome = visible(end.outcome);
  const word = end.outcome === 'success' ? paint.green(outcome) : paint.red(outcome);
  return `${word} ${duration(ms)} ${reference}`;
}

function step(line: Line, first: Line, columns: number): string[] {
  const afterMs = Date.parse(line.time) - Date.parse(first.time);
  const words = [line.event, ...otherFacts(line)].join(' ');
  return wrapped(`+${duration(afterMs)} ${words}`, columns, 4);
}

function ending(end: Line, columns: number, paint: Paint): string[] {
  const { error, advice } = end.facts;
  const facts = otherFacts(end).join(' ');
  return [
    ...(typeof error === 'string' ? wrapped(error, columns, 4).map(paint.red) : []),
    ...(typeof advice === 'string' ? wrapped(`-> ${advice}`, columns, 4) : []),
    ...(facts === '' ? [] : wrapped(facts, columns, 4).map(paint.dim)),
  ];
}

function otherFacts({ facts }: Line): string[] {
  return Object.entries(facts)
    .filter(([key, value]) => !common.has(key) && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
}
