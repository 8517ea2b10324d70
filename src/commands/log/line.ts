import { isMembers, type Members } from '../json.ts';

/** One line of the log; what it holds besides is for the reader. */
export interface Line {
  readonly time: string;
  readonly event: string;
  readonly ref: string;
  readonly call: string;
  /** The management server that wrote it, and who it was fetched from. */
  readonly host: string;
  readonly action: string;
  readonly vm: string;
  readonly name: string;
  readonly outcome: string;
  readonly facts: Members;
}

/** The line, or `undefined` for what is none: half a line of a writer that was killed. */
export function parseLine(text: string): Line | undefined {
  let facts: unknown;
  try {
    facts = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isMembers(facts)) return undefined;
  const record = facts;
  const word = (key: string): string => {
    const value = record[key];
    return typeof value === 'string' ? value : '';
  };
  if (Number.isNaN(Date.parse(word('time')))) return undefined;
  return {
    ...{ time: word('time'), event: word('event'), ref: word('ref'), call: word('call') },
    ...{ host: word('host'), action: word('action'), vm: word('vm'), name: word('name') },
    outcome: word('outcome'),
    facts: record,
  };
}

/** All lines of one call, which ends with its `call` event unless it was killed. */
export interface Call {
  readonly key: string;
  readonly lines: readonly Line[];
  readonly end: Line | undefined;
}

/** The calls in the order in which they began; lines outside of calls stand alone. */
export function groupByCall(lines: readonly Line[]): readonly Call[] {
  const groups = new Map<string, Line[]>();
  lines.forEach((line, at) => {
    const key = line.call === '' ? `line ${at}` : `${line.host} ${line.call}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [line]);
    else group.push(line);
  });
  return [...groups].map(([key, found]) => {
    const sorted = inOrder(found);
    return { key, lines: sorted, end: sorted.find(({ event }) => event === 'call') };
  });
}

/** By time; lines of one moment stay as they were. */
export function inOrder(lines: readonly Line[]): Line[] {
  return [...lines].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
}
