import { expectFailure } from '../../../failure.ts';
import { type MaasEvent, type Machine, readEvents } from '../api/wire.ts';
import type { Session } from './session.ts';

/*
 * Which machines failed lately, and what else has to outlive a release, is written where every
 * management server can read it: into the comments of claims and releases, which MAAS keeps among
 * the machine's events. It needs no administrator and is forgotten by itself.
 */

/** `failed`: MAAS gave the deployment up. `slow`: we did, and the machine may be innocent. */
export type Blame = 'failed' | 'slow';

const note = /\[outrigger:(failed|slow) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\]/;

/** The reason that goes into the comment of a release. */
export interface Reason {
  /** For the events of the machine, such as `instance i-2-42-VM was deleted`. */
  readonly why: string;
  readonly blame?: Blame;
  /** The UUID of the instance that the machine was adopted for and will belong to again. */
  readonly adoptedFor?: string;
}

/** The comment of a release, with what is to be remembered of the machine. */
export function releaseComment({ why, blame, adoptedFor }: Reason, nowMs: number): string {
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  return [
    why.slice(0, 120),
    ...(blame === undefined ? [] : [`[outrigger:${blame} ${time}]`]),
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

export interface Remembered {
  readonly blame: Blame;
  readonly minutesAgo: number;
}

/** The last blame in the events of a machine that was just claimed; nothing where MAAS does not tell. */
export async function recall(session: Session, systemId: string): Promise<Remembered | undefined> {
  const { avoid_failed_minutes: minutes } = session.settings;
  if (minutes === 0) return undefined;
  const nowMs = Date.now();
  const events = await newestEvents(session, systemId).catch(forgetful(session, systemId));
  return (events ?? [])
    .flatMap((event) => rememberedIn(event, nowMs))
    .find(({ minutesAgo }) => minutesAgo < minutes && minutesAgo > -minutes);
}

function rememberedIn({ description }: MaasEvent, nowMs: number): readonly Remembered[] {
  const [, blame, time] = note.exec(description) ?? [];
  const minutesAgo = Math.round((nowMs - Date.parse(`${time}Z`)) / 60_000);
  return blame === undefined || Number.isNaN(minutesAgo)
    ? []
    : [{ blame: blame as Blame, minutesAgo }];
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
async function newestEvents(
  { client, deadline }: Session,
  systemId: string,
): Promise<readonly MaasEvent[]> {
  const query = { op: 'query', id: systemId, level: 'DEBUG', limit: 500 };
  const what = `show the events of machine ${systemId}`;
  return readEvents((await client.get('/events/', { what, query, deadline })).json());
}

function forgetful({ log }: Session, machine: string): (thrown: unknown) => undefined {
  return (thrown) => {
    const { message: error } = expectFailure(thrown);
    log('maas.forgetful', { level: 'warn', machine, error });
  };
}
