import { createHash } from 'node:crypto';
import type { Context } from '../../../contract/context.ts';
import { parseJson } from '../../../kit/json.ts';
import { readNote, writeNote } from '../../../kit/note-file.ts';
import { withNote } from '../api/notes.ts';

/**
 * The ids of our machines that the driver has listed on this server. A driver that lost its rights may list
 * fewer without an error: a machine that was there counts as gone only when the driver, asked for this
 * very id, says so.
 */
export interface SeenNote {
  read(): ReadonlySet<string>;
  write(ids: ReadonlySet<string>): void;
}

/** One note for each driver and place that its settings lead to. */
export function openSeenNote(
  driver: string,
  settings: Readonly<Record<string, unknown>>,
  { installation, stateDirectory, log }: Context,
): SeenNote {
  const pathOf = () =>
    `${stateDirectory('command')}/seen.${driver}.${key(settings, installation)}.json`;
  return {
    read: () => new Set(idsIn(withNote(log, () => readNote(pathOf(), 0)?.text) ?? '')),
    write: (ids) => withNote(log, () => writeNote(pathOf(), JSON.stringify([...ids]))),
  };
}

/** The note is no place for a secret among the settings. */
function key(settings: Readonly<Record<string, unknown>>, installation: string): string {
  const text = JSON.stringify([installation, settings]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function idsIn(text: string): readonly string[] {
  const ids = parseJson(text);
  return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === 'string') : [];
}
