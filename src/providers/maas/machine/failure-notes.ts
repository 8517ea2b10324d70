import type { MaasEvent } from '../api/wire.ts';

/*
 * A failed deployment is noted in the comment of the machine's release, with the system and the instance
 * that it failed for: an image that does not install fails on every machine, and must not take the whole
 * pool from all other instances.
 */

/**
 * `failed`: MAAS gave the deployment up, and the image may be to blame as well as the machine. `dead`: the
 * machine had no power. `slow`: we gave the deployment up, and the machine may be innocent.
 */
export type Blame = 'failed' | 'dead' | 'slow';

/** The word for the system where no instance chose one. */
export const defaultSystem = 'default';

/** One failed deployment, as it is noted. */
export interface FailureNote {
  readonly blame: Blame;
  readonly minutesAgo: number;
  /** As `ubuntu/jammy`; absent where the machine itself is to blame, and in notes of older versions. */
  readonly system?: string;
  /** The instance. */
  readonly uuid?: string;
}

/** The words before the second bracket are those that the version before reads. */
const note =
  /\[outrigger:(failed|slow) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\](?: \[outrigger:of (\S+) ([0-9a-f-]+)\])?/;

export const clearedNote = '[outrigger:cleared]';

export function failureNotes(
  blame: Blame,
  about: { readonly system: string; readonly uuid: string; readonly nowMs: number },
): readonly string[] {
  const time = `${new Date(about.nowMs).toISOString().slice(0, 19)}Z`;
  const of = `[outrigger:of ${about.system || defaultSystem} ${about.uuid}]`;
  return blame === 'dead' ? [`[outrigger:failed ${time}]`] : [`[outrigger:${blame} ${time}]`, of];
}

/** The note in one event; nothing in every other. */
export function noteIn({ description }: MaasEvent, nowMs: number): readonly FailureNote[] {
  const [, word, time, system, uuid] = note.exec(description) ?? [];
  const minutesAgo = Math.round((nowMs - Date.parse(`${time}Z`)) / 60_000);
  if (word === undefined || Number.isNaN(minutesAgo)) return [];
  const blame = word === 'slow' ? 'slow' : system === undefined ? 'dead' : 'failed';
  const of = system === undefined || uuid === undefined ? {} : { system, uuid };
  return [{ blame, minutesAgo, ...of }];
}
