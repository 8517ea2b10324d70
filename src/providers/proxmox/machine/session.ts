import type { Context, Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { readNote, writeNote } from '../../../kit/note-file.ts';
import { systemCode } from '../../../kit/system-error.ts';
import { type Api, createApi } from '../api/client.ts';
import type { Settings } from '../settings.ts';
import type { Stop } from './power-off.ts';
import type { Live } from './read.ts';

/** The values that requests and their tasks need. */
export interface TaskSession {
  /** Its deadline is the one of the primitive that is at work. */
  readonly context: Context;
  readonly api: Api;
  /** The tasks that this action has begun. */
  readonly tasks: Set<string>;
  /** The same session under another deadline. */
  at(deadline: Deadline): TaskSession;
}

/** The values that the primitives of one action share. */
export interface Session extends TaskSession {
  readonly settings: Settings;
  /** The machines that this action has switched on itself. */
  readonly started: Set<number>;
  /** How each machine was when the action last asked its node, by id. */
  readonly lives: Map<number, Live>;
  /** The stops that this action has begun, by node and id. */
  readonly stops: Map<string, Stop>;
  /** The nodes of the cluster, as the last look at all of it has shown them. */
  readonly nodes: Set<string>;
  at(deadline: Deadline): Session;
}

export function openSession(settings: Settings, context: Context): Session {
  const api = createApi(settings, context);
  const shared: Pick<Session, 'settings' | 'tasks' | 'started' | 'lives' | 'stops' | 'nodes'> = {
    ...{ settings, tasks: new Set(), started: new Set() },
    ...{ lives: new Map(), stops: new Map(), nodes: new Set() },
  };
  const at = (deadline: Deadline): Session => ({
    ...{ ...shared, at },
    context: { ...context, deadline },
    api: api.under(deadline),
  });
  return at(context.deadline);
}

/*
 * The cluster's list learns of a start or stop up to ten seconds late. CloudStack acts on what it is
 * told, so that such a lag would stop a machine that was just started. All changes that CloudStack
 * orders pass through the one server that also asks for the reports: there a file's age tells whether
 * the list can be behind.
 */

/** Longer than two rounds of the daemon that feeds the list. */
const lateMs = 30_000;

/** Notes that something is being changed; where no file can be written, every list counts as late. */
export function noteChange(context: Context): void {
  try {
    writeNote(noteIn(context), '');
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    // `changedLately` comes to the same end.
  }
}

/** Whether the cluster's list may still be behind what was changed from here. */
export function changedLately(context: Context): boolean {
  try {
    const note = readNote(noteIn(context), Date.now());
    return note !== undefined && note.ageMs < lateMs;
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    return true;
  }
}

function noteIn(context: Context): string {
  return `${context.stateDirectory('proxmox')}/changed`;
}
