import { readMark, writeMark } from '../../src/lifecycle/mark.ts';

/** The text of a machine after another CloudStack has made it its own: the same, but for the mark in it. */
export function anothersMark(text: string): string {
  const mark = readMark(text);
  if (mark === undefined || mark === 'unreadable') throw new Error(`no mark in ${text}`);
  const theirs = writeMark({
    ...mark,
    uuid: '99999999-2222-4333-8444-000000000009',
    name: 'i-9-9-VM',
    installation: 'another-cloud',
  });
  return text.replace(/\[outrigger:.*?\}\]/s, () => theirs);
}
