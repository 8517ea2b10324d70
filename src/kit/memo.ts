import { lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure, type FailureKind } from '../failure.ts';
import { parseJson } from './json.ts';
import { readNote, removeNote, writeNote } from './note-file.ts';
import { systemCode } from './system-error.ts';

export interface MemoPlace {
  readonly directory: string;
  readonly seconds: number;
  /** The user of this process: only a directory of its own is trusted. */
  readonly uid: number;
  readonly mayCreate: boolean;
  /** Takes secrets out of what is to be kept. */
  readonly clean: (text: string) => string;
}

/**
 * Remembers for a short while that an endpoint failed, so that the hundreds of calls that follow
 * an outage do not each wait for it again.
 *
 * Nothing in here ever fails a call: a memo that cannot be kept is no memo.
 */
export interface Memo {
  /** The failure to repeat instead of asking again, or `undefined`. */
  recall(): Promise<Failure | undefined>;
  /** `ref` finds the failure in the log, also for those who read it in a later answer. */
  remember(failure: Failure, ref?: string): Promise<void>;
  forget(): Promise<void>;
}

interface Note {
  readonly kind: FailureKind;
  readonly message: string;
  readonly advice?: string;
  /** Whether the system was out; a call may also have run out of time on one that is only slow. */
  readonly outage?: boolean;
  /** Absent in the notes of an earlier version. */
  readonly ref?: string;
}

/**
 * `key` makes what `memoKey` makes of the endpoint. It is asked for only where something is kept or
 * to be kept, since it loads node:crypto, which costs a call over plain http some milliseconds.
 */
export function createMemo(
  place: MemoPlace,
  key: () => Promise<string>,
  nowMs: () => number,
): Memo {
  const { directory } = place;
  const fileOf = async (): Promise<string> => `${directory}/${await key()}.json`;
  const isEmpty = (): boolean => (attempt(() => readdirSync(directory)) ?? []).length === 0;
  return {
    async recall() {
      if (isEmpty()) return undefined;
      const file = await fileOf();
      return attempt(() => recall(file, place, nowMs()));
    },
    async remember(failure, ref) {
      const file = await fileOf();
      attempt(() => remember(file, place, failure, ref));
    },
    async forget() {
      if (isEmpty()) return;
      const file = await fileOf();
      attempt(() => removeNote(file));
    },
  };
}

function recall(file: string, place: MemoPlace, nowMs: number): Failure | undefined {
  const kept = readNote(file, nowMs);
  if (kept === undefined) return undefined;
  const { ageMs } = kept;
  // A clock that was set back must not keep an outage alive.
  if (ageMs < -1000 || Math.max(0, ageMs) >= place.seconds * 1000 || !isOwn(place)) {
    return undefined;
  }
  const note = parseNote(kept.text);
  if (note === undefined) return undefined;
  const age = Math.max(0, Math.round(ageMs / 1000));
  return new Failure(note.kind, `${note.message} (seen ${age} s ago, not asked again)`, {
    advice: note.advice,
    reason: 'remembered',
    ...(typeof note.outage === 'boolean' ? { outage: note.outage } : {}),
    ref: typeof note.ref === 'string' && /^r-\w{1,20}$/.test(note.ref) ? note.ref : undefined,
  });
}

/** Another version may have written something else. */
function parseNote(text: string): Note | undefined {
  const note = parseJson(text) as Partial<Note> | null | undefined;
  return typeof note?.kind === 'string' && typeof note.message === 'string'
    ? (note as Note)
    : undefined;
}

function remember(file: string, place: MemoPlace, failure: Failure, ref?: string): void {
  if (!isOwn(place)) {
    if (!place.mayCreate || !statSync(dirname(place.directory)).isDirectory()) return;
    mkdirSync(place.directory, { mode: 0o700 });
  }
  const note: Note = {
    kind: failure.kind,
    message: place.clean(failure.message),
    ...(failure.advice === undefined ? {} : { advice: place.clean(failure.advice) }),
    outage: failure.outage,
    ...(ref === undefined ? {} : { ref }),
  };
  writeNote(file, JSON.stringify(note));
}

function isOwn({ directory, uid }: MemoPlace): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o077) === 0;
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch (error) {
    systemCode(error);
    return undefined;
  }
}

/**
 * The name under which an endpoint is remembered. `identity` is all that makes up the endpoint,
 * credentials included, so that new credentials start afresh; a keyed SHA-256 gives none of it away.
 */
export async function memoKey(identity: string): Promise<string> {
  const { createHmac } = await import('node:crypto');
  return createHmac('sha256', 'outrigger failure memo, key 1').update(identity).digest('base64url');
}
