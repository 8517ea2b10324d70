import { statSync, writeFileSync } from 'node:fs';
import type { Context } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { systemCode } from '../../../kit/system-error.ts';

/*
 * The cluster's list learns of a start or stop up to ten seconds late. CloudStack acts on what it
 * is told, so that such a lag would stop a machine that was just started. Whatever it changes itself
 * passes through the one server that asks for the reports too: there a file's age tells whether the
 * list can be behind.
 */

/** Longer than two rounds of the daemon that feeds the list. */
const lateMs = 30_000;

/** Leaves a note that something is being changed; where that cannot be, every list counts as late. */
export function noteChange(context: Context): void {
  try {
    writeFileSync(noteIn(context), '', { mode: 0o600 });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    // `changedLately` comes to the same end.
  }
}

/** Whether the cluster's list may still be behind what was changed from here. */
export function changedLately(context: Context): boolean {
  try {
    const note = statSync(noteIn(context), { throwIfNoEntry: false });
    if (note === undefined) return false;
    const ageMs = Date.now() - note.mtimeMs;
    return ageMs < lateMs;
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    return true;
  }
}

function noteIn(context: Context): string {
  return `${context.stateDirectory('proxmox')}/changed`;
}
