import { Failure } from '../../failure.ts';
import type { Rig } from './rig.ts';
import { readEvents } from './wire.ts';

/*
 * Which machines failed lately is written where every management server can read it and where it
 * outlives the release: into the comment of the release, which MAAS keeps among the machine's
 * events. It needs no administrator and is forgotten by itself.
 */

/** `failed`: MAAS gave the deployment up. `slow`: we did, and the machine may be innocent. */
export type Blame = 'failed' | 'slow';

const note = /\[outrigger:(failed|slow) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\]/;

/** The comment of a release, with what is to be remembered of the machine. */
export function releaseComment(why: string, blame: Blame | undefined, nowMs: number): string {
  const text = why.slice(0, 120);
  if (blame === undefined) return text;
  return `${text} [outrigger:${blame} ${new Date(nowMs).toISOString().slice(0, 19)}Z]`;
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
    const { message } = Failure.from(thrown);
    rig.context.log('maas.forgetful', { level: 'warn', machine: systemId, error: message });
    return undefined;
  }
}

/** Releases are debugging matters to newer versions of MAAS. */
async function newestEvents({ client }: Rig, systemId: string) {
  const query = { op: 'query', id: systemId, level: 'DEBUG', limit: 100 };
  const what = `show the events of machine ${systemId}`;
  return readEvents((await client.get('/events/', { what, query })).json());
}
