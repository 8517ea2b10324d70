import type { Mark } from '../contract/machine.ts';
/**
 * The verdict of a mark on a machine: ours, a copy that carries our mark, another instance's, or none.
 *
 * `unreadable` is a mark that a later version wrote, or a damaged one: never ours, never free.
 */
export type Verdict = 'ours' | 'copy' | 'foreign' | 'unmarked' | 'unreadable';

const opening = '[outrigger:';

/** One line of printable ASCII that fits into a description beside other people's words. */
export function writeMark(mark: Mark): string {
  const body = {
    v: 1,
    uuid: mark.uuid,
    name: mark.name,
    inst: mark.installation,
    id: mark.remoteId,
    state: mark.state,
    origin: mark.origin,
  };
  return `${opening}${JSON.stringify(body)}]`;
}

/** The mark inside a text; `undefined` without one, `unreadable` when it cannot be trusted. */
export function readMark(text: string): Mark | 'unreadable' | undefined {
  const start = text.indexOf(opening);
  if (start < 0) return undefined;
  if (text.indexOf(opening, start + 1) >= 0) return 'unreadable';
  const end = text.indexOf('}]', start);
  if (end < 0) return 'unreadable';
  try {
    // A text that ends with a brace is an object, or no JSON.
    return fromBody(JSON.parse(text.slice(start + opening.length, end + 1)));
  } catch {
    return 'unreadable';
  }
}

/** The text without its mark, as other people wrote it. */
export function withoutMark(text: string): string {
  const start = text.indexOf(opening);
  const end = start < 0 ? -1 : text.indexOf('}]', start);
  return end < 0 ? text : (text.slice(0, start) + text.slice(end + 2)).trim();
}

/** Decides by the mark alone; the caller still has to see that there is no second machine. */
export function judge(
  mark: Mark | 'unreadable' | undefined,
  wanted: { readonly uuid: string; readonly installation: string; readonly remoteId: string },
): Verdict {
  if (mark === undefined || mark === 'unreadable') return mark ?? 'unmarked';
  if (mark.uuid !== wanted.uuid) return 'foreign';
  if (mark.installation !== '' && mark.installation !== wanted.installation) return 'foreign';
  return mark.remoteId === wanted.remoteId || isWithoutId(mark) ? 'ours' : 'copy';
}

/** Where the system chooses the id, the call that makes the machine cannot know it yet. */
function isWithoutId({ state, remoteId }: Mark): boolean {
  return state === 'building' && remoteId === '';
}

function fromBody(body: Readonly<Record<string, unknown>>): Mark | 'unreadable' {
  const { v, uuid, name, inst, id, state, origin } = body;
  const texts = [uuid, name, inst, id];
  if (typeof v !== 'number' || !texts.every((text) => typeof text === 'string')) {
    return 'unreadable';
  }
  if (state !== 'building' && state !== 'built') return 'unreadable';
  return {
    uuid: uuid as string,
    name: name as string,
    installation: inst as string,
    remoteId: id as string,
    state,
    origin: origin === 'adopted' ? 'adopted' : 'created',
  };
}
