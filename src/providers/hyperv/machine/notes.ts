import type { Instance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { readMark, withoutMark, writeMark } from '../../../lifecycle/mark.ts';
import type { Rig } from './session.ts';

/* What stands in the notes of a machine: its mark, beside other people's words, which stay. */

export const building = { state: 'building', origin: 'created' } as const;
export const adopted = { state: 'built', origin: 'adopted' } as const;

/** The mark that makes a machine the instance's. */
export function markFor(
  { context }: Pick<Rig, 'context'>,
  { uuid, name }: Pick<Instance, 'uuid' | 'name'>,
  remoteId: string,
  as: typeof building | typeof adopted,
): Mark {
  return { uuid, name, installation: context.installation, remoteId, ...as };
}

/** The notes of a machine that carries the mark. */
export function notesWith(notes: string, mark: Mark): string {
  return withLine(notes, writeMark(mark));
}

/**
 * The notes of a machine that was taken over for the instance and is let go. That this was done on
 * purpose stays written there: its name would else make it pass for one that lost its mark.
 */
export function notesOfLeft(notes: string, { uuid }: Pick<Instance, 'uuid'>): string {
  return withLine(notes, `outrigger-left:${uuid}`);
}

const left = /^outrigger-left:([0-9a-f-]{36})\r?$/m;

/** The instance whose deletion let the machine go. */
export function leftBy(notes: string): string | undefined {
  return readMark(notes) === undefined ? left.exec(notes)?.[1] : undefined;
}

function withLine(notes: string, line: string): string {
  const words = withoutMark(notes).replace(left, '').trim();
  return [words, line].filter((each) => each !== '').join('\n');
}
