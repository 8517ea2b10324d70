import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Failure, type FailureKind } from '../failure.ts';

export interface MemoPlace {
  readonly directory: string;
  readonly seconds: number;
  /** The user of this process: only a directory of its own is trusted. */
  readonly uid: number;
  readonly pid: number;
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
  recall(): Failure | undefined;
  remember(failure: Failure): void;
  forget(): void;
}

interface Note {
  readonly kind: FailureKind;
  readonly message: string;
  readonly advice?: string;
}

/** `identity` is all that makes up the endpoint, credentials included: a new one starts afresh. */
export function createMemo(place: MemoPlace, identity: string, nowMs: () => number): Memo {
  const file = `${place.directory}/${fingerprint(identity)}.json`;
  return {
    recall: () => attempt(() => recall(file, place, nowMs())),
    remember: (failure) => attempt(() => remember(file, place, failure)),
    forget: () => attempt(() => unlinkSync(file)),
  };
}

function recall(file: string, place: MemoPlace, nowMs: number): Failure | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const ageMs = nowMs - found.mtimeMs;
  // A clock that was set back must not keep an outage alive.
  if (ageMs < -1000 || Math.max(0, ageMs) >= place.seconds * 1000 || !isOwn(place)) {
    return undefined;
  }
  const note = JSON.parse(readFileSync(file, 'utf8')) as Note;
  const age = Math.max(0, Math.round(ageMs / 1000));
  return new Failure(note.kind, `${note.message} (seen ${age} s ago, not asked again)`, {
    advice: note.advice,
    facts: { remembered: true },
  });
}

function remember(file: string, place: MemoPlace, failure: Failure): void {
  if (!isOwn(place)) {
    if (!place.mayCreate || !statSync(dirname(place.directory)).isDirectory()) return;
    mkdirSync(place.directory, { mode: 0o700 });
  }
  const note: Note = {
    kind: failure.kind,
    message: place.clean(failure.message),
    ...(failure.advice === undefined ? {} : { advice: place.clean(failure.advice) }),
  };
  const draft = `${file}.${place.pid}`;
  writeFileSync(draft, JSON.stringify(note), { mode: 0o600 });
  renameSync(draft, file);
}

function isOwn({ directory, uid }: MemoPlace): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o077) === 0;
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}

/** 106 bits of a text as a file name; spread well enough, and cheaper than loading crypto. */
function fingerprint(text: string): string {
  return `${hash53(text, 1)}${hash53(text, 2)}`;
}

function hash53(text: string, seed: number): string {
  let a = 0xdeadbeef ^ seed;
  let b = 0x41c6ce57 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36).padStart(11, '0');
}
