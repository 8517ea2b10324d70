import { expectFailure } from '../../../failure.ts';
import { type MaasEvent, type Machine, readEvents } from '../api/wire.ts';
import { type Blame, failureNotes } from './failure-notes.ts';
import type { Session } from './session.ts';

/*
 * Which machines failed lately, and what else has to outlive a release, is written where every
 * management server can read it: into the comments of claims and releases, which MAAS keeps among
 * the machine's events. It needs no administrator and is forgotten by itself.
 */

/** The reason that goes into the comment of a release. */
export interface Reason {
  /** For the events of the machine, such as `instance i-2-42-VM was deleted`. */
  readonly why: string;
  readonly blame?: Blame;
  /** The UUID of the instance that the machine was adopted for and will belong to again. */
  readonly adoptedFor?: string;
}

/** The comment of a release, with what is to be remembered of the machine. */
export function releaseComment(
  { why, blame, adoptedFor }: Reason,
  about: { readonly system: string; readonly uuid: string; readonly nowMs: number },
): string {
  return [
    why.slice(0, 120),
    ...(blame === undefined ? [] : failureNotes(blame, about)),
    ...(adoptedFor === undefined ? [] : [adoptedNote(adoptedFor)]),
  ].join(' ');
}

function adoptedNote(uuid: string): string {
  return `[outrigger:adopted ${uuid}]`;
}

/** Whether a machine that carries no mark any more was once adopted for the instance. */
export async function wasAdopted(
  session: Session,
  systemId: string,
  uuid: string,
): Promise<boolean> {
  const events = await newestEvents(session, systemId);
  return events.some(({ description }) => description.includes(adoptedNote(uuid)));
}

/** The name of the instance that a machine was last claimed for; `undefined` if not by us. */
export async function claimedFor(session: Session, systemId: string): Promise<string | undefined> {
  const events = await newestEvents(session, systemId).catch(forgetful(session, systemId));
  const last = events?.find(({ type, description }) => /acquir/i.test(`${type} ${description}`));
  return new RegExp(`${claimComment('(\\S+)')}$`).exec(last?.description ?? '')?.[1];
}

/** The comment of a claim. */
export function claimComment(name: string): string {
  return `CloudStack instance ${name}`;
}

/** MAAS's own words about a failure, as the end of a sentence; empty when it says nothing. */
export async function reasonOf(session: Session, machine: Machine): Promise<string> {
  const told = [machine.error_description, ...(await warnings(session, machine))];
  const reasons = [...new Set(told)].filter((text) => text !== '').slice(0, 3);
  if (reasons.length > 0) return `: ${reasons.join('; ')}`;
  const last = machine.status_message;
  return last === '' ? '' : `: the last that was heard of it is "${last}"`;
}

async function warnings(
  { client, deadline, log }: Session,
  { system_id }: Machine,
): Promise<readonly string[]> {
  const ask = {
    what: `show the events of machine ${system_id}`,
    query: { op: 'query', id: system_id, level: 'WARNING', limit: 5 },
    limitMs: 10_000,
    // It belongs to the failure that is being told, which may be that the time is up.
    deadline: deadline.forUndo(),
  };
  try {
    const events = readEvents((await client.get('/events/', ask)).json());
    return events.map(({ type, description }) =>
      [type, description].filter((part) => part !== '').join(': '),
    );
  } catch (thrown) {
    log('events.unread', { level: 'warn', error: expectFailure(thrown).message });
    return [];
  }
}

/**
 * Claims and releases are debugging matters to newer versions of MAAS, as is every file that a
 * machine fetches while it is installed or erased.
 */
export async function newestEvents(
  { client, deadline }: Session,
  systemId: string,
): Promise<readonly MaasEvent[]> {
  const query = { op: 'query', id: systemId, level: 'DEBUG', limit: 500 };
  const what = `show the events of machine ${systemId}`;
  return readEvents((await client.get('/events/', { what, query, deadline })).json());
}

export function forgetful({ log }: Session, machine: string): (thrown: unknown) => undefined {
  return (thrown) => {
    const { message: error } = expectFailure(thrown);
    log('maas.forgetful', { level: 'warn', machine, error });
  };
}
