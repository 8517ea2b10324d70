import type { Step } from '../../../contract/context.ts';
import type { Mark } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { writeMark as textOf } from '../../../lifecycle/mark.ts';
import { broken } from '../api/failures.ts';
import { getMachine, reread } from './read.ts';
import { onMachine } from './request.ts';
import type { Seen, Session } from './session.ts';

/** The driver compares and writes; the mark that it then shows has to be the one that was written. */
export async function writeMark(
  session: Session,
  machine: Seen,
  mark: Mark | undefined,
  { instance, deadline }: Step,
): Promise<Seen | 'lost'> {
  const { client, driver, marks } = session;
  const { remoteId, said } = machine;
  if (marks === 'name') return writtenName(machine, mark);
  const now = await getMachine(session, remoteId, deadline);
  const expected = said.mark ?? null;
  if (now === undefined || (now.said.mark ?? null) !== expected) return 'lost';
  const text = mark === undefined ? null : textOf(mark);
  const what = `write the mark of machine ${remoteId}`;
  const request = { ...onMachine(machine, instance), mark: text, expected };
  const { lost = false } = await client.ask('write-mark', request, { what, deadline });
  if (lost) return 'lost';
  const after = await reread(session, remoteId, deadline);
  if ((after.said.mark ?? null) === text) return after;
  throw broken(
    `Driver ${driver} wrote the mark of machine ${remoteId}`,
    'it shows another one now',
  );
}

/** The name was given by make, and says nothing of the state of the machine. */
function writtenName(machine: Seen, mark: Mark | undefined): Seen {
  if (mark !== undefined) return machine;
  throw new Failure(
    'unsupported',
    `The mark of machine ${machine.remoteId} is its name, which stays`,
  );
}
