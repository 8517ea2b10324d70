import { expectFailure } from '../../../failure.ts';
import { readEvents } from '../api/wire.ts';
import type { Rig } from './session.ts';

/*
 * Which machines failed lately, and what else has to outlive a release, is written where every
 * management server can read it: into the comments of claims and releases, which MAAS keeps among
 * the machine's events. It needs no administrator and is forgotten by itself.
 */

/** `failed`: MAAS gave the deployment up. `slow`: we did, and the machine may be innocent. */
export type Blame = 'failed' | 'slow';

const note = /\[outrigger:(failed|slow) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\]/;

/** What the comment of a release is to say. */
export interface Reason {
  /** For the events of the machine, such as `instance i-2-42-VM was deleted`. */
  readonly why: string;
  readonly blame?: Blame;
  /** The UUID of the instance that the machine was taken over for and will belong to again. */
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

/** Whether a machine that carries no mark any more was once taken over for the instance. */
export async function wasAdopted(rig: Rig, systemId: string, uuid: string): Promise<boolean> {
  const events = await newestEvents(rig, systemId);
  return events.some(({ description }) => description.includes(adoptedNote(uuid)));
}

export interface Remembered {
  readonly blame: Blame;
  readonly minutesAgo: number;
}

/** What is remembered of a machine that was just claimed; nothing where that cannot be found out. */
export async function recall(rig: Rig, systemId: string): Promise<Remembered | undefined> {
  const { avoid_failed_minutes: minutes } = rig.settings;
  if (minutes === 0) return undefined;
  try {
    const nowMs = Date.now();
    const told = (await newestEvents(rig, systemId)).flatMap(({ description }) => {
      const [, blame, time] = note.exec(description) ?? [];
      const minutesAgo = Math.round((nowMs - Date.parse(`${time}Z`)) / 60_000);
      return blame === undefined || Number.isNaN(minutesAgo)
        ? []
        : [{ blame: blame as Blame, minutesAgo }];
    });
    return told.find(({ minutesAgo }) => minutesAgo < minutes && minutesAgo > -minutes);
  } catch (thrown) {
    const { message } = expectFailure(thrown);
    rig.context.log('maas.forgetful', { level: 'warn', machine: systemId, error: message });
    return undefined;
  }
}

/** The name of the instance that a machine was last claimed for; `undefined` if not by us. */
export async function claimedFor(rig: Rig, systemId: string): Promise<string | undefined> {
  const events = await newestEvents(rig, systemId);
  const last = events.find(({ type, description }) => /acquir/i.test(`${type} ${description}`));
  return new RegExp(`${claimComment('(\\S+)')}$`).exec(last?.description ?? '')?.[1];
}

/** The comment of a claim. */
export function claimComment(name: string): string {
  return `CloudStack instance ${name}`;
}

/**
 * Claims and releases are debugging matters to newer versions of MAAS, as is every file that a
 * machine fetches while it is installed or erased.
 */
async function newestEvents({ client }: Rig, systemId: string) {
  const query = { op: 'query', id: systemId, level: 'DEBUG', limit: 500 };
  const what = `show the events of machine ${systemId}`;
  return readEvents((await client.get('/events/', { what, query })).json());
}
