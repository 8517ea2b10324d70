import type { Instance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { expectFailure } from '../../../failure.ts';
import { writeMark as markLine, readMark, withoutMark } from '../../../lifecycle/mark.ts';
import * as changing from '../api/commands/changing.ts';
import { type HostMachine, leftBy, leftLine, ownOf, readDetails } from './list.ts';
import { ask, type Session, withDeadline } from './session.ts';

/* The notes of a machine hold its mark, beside the operator's own words, which stay. */

/**
 * Writes the mark into the notes, or in its place that the machine was released. When that fails the
 * notes are read in the undo margin: the management server may have seen a written mark already.
 */
export async function writeMark(
  session: Session,
  machine: HostMachine,
  mark: Mark | undefined,
  instance: Instance,
): Promise<HostMachine | 'lost'> {
  const before = machine.listed.notes;
  const notes = mark === undefined ? notesOfLeft(before, instance) : notesWith(before, mark);
  try {
    const unmarked = machine.mark === undefined;
    await ask(session, changing.notes, { ...ownOf(machine), unmarked, notes });
  } catch (thrown) {
    const now = await notesInMargin(session, machine, thrown);
    const there = textOf(now);
    if (there !== textOf(notes)) {
      if (there !== textOf(before)) return 'lost';
      throw thrown;
    }
    const { message: after } = expectFailure(thrown);
    session.context.log('mark.written-after-all', { machine: machine.remoteId, after });
  }
  return { ...machine, mark, listed: { ...machine.listed, notes } };
}

async function notesInMargin(
  session: Session,
  machine: HostMachine,
  thrown: unknown,
): Promise<string> {
  const inMargin = withDeadline(session, session.deadline.forUndo());
  const { notes } = await readDetails(inMargin, machine).catch((unread: unknown) => {
    expectFailure(unread);
    throw thrown;
  });
  return notes;
}

/** The mark in the notes, or that there is none, for comparing. */
function textOf(notes: string): string {
  const mark = readMark(notes);
  return typeof mark === 'object' ? markLine(mark) : String(mark ?? leftBy(notes));
}

/** The notes of a machine that carries the mark. */
export function notesWith(notes: string, mark: Mark): string {
  return withLine(notes, markLine(mark));
}

/**
 * The notes of a machine that was adopted for the instance and is released. They keep a line about the
 * release: by its name alone the machine would pass for one that has lost its mark.
 */
function notesOfLeft(notes: string, { uuid }: Instance): string {
  return withLine(notes, `outrigger-left:${uuid}`);
}

function withLine(notes: string, line: string): string {
  const words = withoutMark(notes).replace(leftLine, '').trim();
  return [words, line].filter((each) => each !== '').join('\n');
}
