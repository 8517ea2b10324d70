import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { isMarkedFor } from '../../../lifecycle/ownership.ts';
import { broken, isSaid } from '../api/failures.ts';
import type { Said } from '../protocol/machine.ts';
import { readNameMark } from './name-mark.ts';
import type { Seen, Session } from './session.ts';

/** A machine as the driver says it, with its mark read. */
export function seenFrom({ marks, context, driver }: Session, said: Said): Seen {
  const { id: remoteId, name, mark: text, template, leaving, stuck, disowned, node, home } = said;
  if (marks === 'label' && text === undefined) {
    throw broken(`Driver ${driver} showed machine ${remoteId}`, 'it has no member "mark"');
  }
  return {
    ...{ remoteId, name: name ?? undefined, said },
    mark:
      marks === 'label' ? readMark(text ?? '') : readNameMark(name, remoteId, context.installation),
    ...(template === undefined ? {} : { template }),
    ...(leaving === undefined ? {} : { leaving }),
    ...(stuck === undefined ? {} : { stuck }),
    ...(disowned === undefined ? {} : { disowned }),
    ...(node === undefined ? {} : { node }),
    ...(home === undefined ? {} : { home }),
  };
}

/**
 * The machine as it is now; `undefined` only where the driver says that there certainly is none. `what`
 * completes "could not ..." where more is waited for than the machine.
 */
export async function getMachine(
  session: Session,
  id: string,
  deadline: Deadline,
  what = `show machine ${id}`,
): Promise<Seen | undefined> {
  try {
    const { machine } = await session.client.ask('get', { id }, { what, deadline });
    if (machine.id === id) return seenFrom(session, machine);
    const attempt = `Driver ${session.driver} could not ${what}`;
    throw broken(attempt, `it answered machine ${machine.id} instead`);
  } catch (thrown) {
    if (isSaid(thrown, 'missing')) return undefined;
    throw thrown;
  }
}

/** As `getMachine`, for one that was there a moment ago. */
export async function reread(
  session: Session,
  id: string,
  deadline: Deadline,
  what?: string,
): Promise<Seen> {
  const now = await getMachine(session, id, deadline, what);
  if (now !== undefined) return now;
  throw new Failure('not-found', `Driver ${session.driver} has no machine ${id} any more`, {
    reason: 'taken-away',
    remote: { code: 'missing' },
  });
}

/** All machines; those of ours that were listed before and are not now have to be proved gone. */
export async function listMachines(
  session: Session,
  detail: 'own' | 'report' | 'inventory',
  deadline: Deadline,
): Promise<readonly Seen[]> {
  const what = 'list the machines';
  const { machines } = await session.client.ask('list', { detail }, { what, deadline });
  refuseTwice(session, machines);
  const all = machines.map((said) => seenFrom(session, said));
  await proveGone(session, all, deadline);
  return all;
}

function refuseTwice({ driver }: Session, machines: readonly Said[]): void {
  const ids = new Set<string>();
  for (const { id } of machines) {
    if (ids.has(id))
      throw broken(`Driver ${driver} listed machine ${id} twice`, 'an id names one machine');
    ids.add(id);
  }
}

const mostAsked = 25;

async function proveGone(
  session: Session,
  all: readonly Seen[],
  deadline: Deadline,
): Promise<void> {
  const { note } = session;
  const { installation } = session.context;
  const listed = new Set(all.map(({ remoteId }) => remoteId));
  const before = note.read();
  const absent = [...before].filter((id) => !listed.has(id));
  if (absent.length > mostAsked) throw incomplete(session, absent);
  for (const id of absent) await proveMissing(session, id, deadline);
  const own = all.filter(
    ({ mark, ...rest }) =>
      typeof mark === 'object' && isMarkedFor({ mark, ...rest }, { uuid: mark.uuid, installation }),
  );
  const ids = new Set(own.map(({ remoteId }) => remoteId));
  if (ids.size !== before.size || [...ids].some((id) => !before.has(id))) note.write(ids);
}

/** A list without this machine is complete only when the driver does not show the machine either. */
export async function proveMissing(
  session: Session,
  id: string,
  deadline: Deadline,
): Promise<void> {
  if ((await getMachine(session, id, deadline)) !== undefined) throw incomplete(session, [id]);
}

function incomplete({ driver }: Session, ids: readonly string[]): Failure {
  const shown = ids.slice(0, 5).join(', ');
  return new Failure(
    'denied',
    `Driver ${driver} does not list ${ids.length === 1 ? `machine ${shown}` : `${ids.length} machines (${shown} ...)`}, although it did before or shows it when asked: its list is not complete`,
    { advice: 'See whether its account has lost a right; nothing counts as gone' },
  );
}
