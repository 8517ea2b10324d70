import { createHash } from 'node:crypto';
import type { Mark } from '../../../contract/machine.ts';

/*
 * The mark of a system that keeps no text beside a machine: the machine's name. It says whose the machine
 * is, and nothing of its state: a machine with such a name counts as finished, and one that got the name
 * by a copy cannot be told from the first, unless the system refuses a second machine of one name.
 */

const form = /^(.+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([0-9a-f]{8})$/;

export function nameMark({ name, uuid, installation }: Omit<Mark, 'remoteId'>): string {
  return `${name}-${uuid}-${digest(installation)}`;
}

/** `ours` is this installation, which the name holds as a digest only. */
export function readNameMark(
  name: string | null,
  remoteId: string,
  ours: string,
): Mark | undefined {
  const [, instance, uuid, tag] = form.exec(name ?? '') ?? [];
  if (instance === undefined || uuid === undefined || tag === undefined) return undefined;
  const installation = tag === digest(ours) ? ours : `digest-${tag}`;
  return { uuid, name: instance, installation, remoteId, state: 'built', origin: 'created' };
}

function digest(installation: string): string {
  return createHash('sha256').update(installation).digest('hex').slice(0, 8);
}
