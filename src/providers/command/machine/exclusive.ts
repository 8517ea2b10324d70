import { mkdirSync } from 'node:fs';
import type { Step } from '../../../contract/context.ts';
import { withLock } from '../../../kit/lock-file.ts';
import { withNote } from '../api/notes.ts';
import type { Session } from './session.ts';

/**
 * Runs the work while no other call on this server changes the instance's machine. Calls on two servers
 * are settled by the driver's own system: by the name, and by the mark that write-mark expects.
 */
export function exclusive<T>(
  { context, driver }: Session,
  { instance: { uuid, name }, deadline }: Step,
  work: () => Promise<T>,
): Promise<T> {
  const directory = withNote(context.log, () => {
    const path = context.stateDirectory('command');
    // A context of an operator's command names the directory and makes none.
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  });
  if (directory === undefined) return work();
  const lock = { deadline, what: `another action on ${name}` };
  return withLock(`${directory}/lock.${driver}.${uuid}`, lock, work);
}
