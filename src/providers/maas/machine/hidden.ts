import { Failure } from '../../../failure.ts';
import { parseJson } from '../../../kit/json.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { readNote, removeNote, writeNote } from '../../../kit/note-file.ts';
import { systemCode } from '../../../kit/system-error.ts';
import { type Machine, type Me, readMachines } from '../api/wire.ts';
import { type Registry, type Seen, seen } from './match.ts';
import type { Session } from './session.ts';
import { readStored } from './visibility.ts';

/*
 * A user who is no administrator does not see a machine any more that an administrator has taken over by
 * rescue mode, although its instance still runs on it. A report would leave it out, which means "gone". Each
 * report therefore keeps in a file which machines it has seen, and the next one asks for those that it
 * misses: MAAS answers 403 for a machine that is hidden.
 */

/** The owner of a machine that is hidden: MAAS does not tell who it is. */
const unknownOwner = 'whose machines are hidden from the key';

/**
 * The machines of earlier reports that are hidden by now, as they were last seen. A report hands over the
 * machines that it sees `marked`, which are kept for the next one; an inventory keeps nothing.
 */
export async function hiddenMachines(
  session: Session,
  { is_superuser, username }: Me,
  { owned, marked }: { readonly owned: readonly Machine[]; readonly marked?: readonly Seen[] },
): Promise<readonly Seen[]> {
  if (is_superuser) return [];
  const ids = new Set(owned.map(({ system_id }) => system_id));
  const file = fileOf(session, username);
  const before = readKept(session, file);
  const missed = before.filter(({ system_id }) => !ids.has(system_id));
  const answers = await mapLimit(missed, 4, ({ system_id }) => readStored(session, system_id));
  const hidden = missed.filter((_, at) => answers[at] === 'hidden');
  if (marked !== undefined) {
    const now = [...marked.map(({ machine }) => machine), ...hidden].map(keptOf);
    if (JSON.stringify(now) !== JSON.stringify(before.map(keptOf))) keep(session, file, now);
  }
  const registry: Registry = { account: username, isClaimed: () => true };
  return hidden.map((machine) => seen({ ...machine, owner: unknownOwner }, registry));
}

/** The part that a report needs of a machine that it cannot see: its mark and its place. */
function keptOf(machine: Machine) {
  const { system_id, status, status_name, hostname, pool } = machine;
  const workload_annotations = machine.workload_annotations ?? machine.owner_data ?? {};
  return { system_id, status, status_name, hostname, pool, workload_annotations };
}

function readKept(session: Session, file: () => string): readonly Machine[] {
  try {
    const text = readNote(file(), Date.now())?.text ?? '';
    return text === '' ? [] : readMachines(parseJson(text));
  } catch (thrown) {
    return unkept(session, thrown);
  }
}

function keep(session: Session, file: () => string, machines: readonly unknown[]): void {
  try {
    if (machines.length === 0) removeNote(file());
    else writeNote(file(), JSON.stringify(machines));
  } catch (thrown) {
    unkept(session, thrown);
  }
}

/** A report without that memory is as good as MAAS's list. */
function unkept(session: Session, thrown: unknown): readonly Machine[] {
  if (!(thrown instanceof Failure)) systemCode(thrown);
  session.log('report.unkept', { level: 'warn' });
  return [];
}

/** A file for each user of each MAAS; asked for inside the work that may fail over it. */
function fileOf({ settings, stateDirectory }: Session, username: string): () => string {
  const clean = (text: string): string => text.replace(/[^A-Za-z0-9.-]+/g, '_').slice(0, 100);
  return () => `${stateDirectory('maas')}/seen-${clean(settings.endpoint)}-${clean(username)}`;
}
