import { mapLimit } from '../../../kit/map-limit.ts';
import type { Machine } from '../api/wire.ts';
import { forgetful, newestEvents } from './events.ts';
import { clearedNote, defaultSystem, type FailureNote, noteIn } from './failure-notes.ts';
import type { Session } from './session.ts';

/* The failures that are noted on a machine, and which instances they keep from it. */

/** The failures of a machine that are remembered, the newest first; none where MAAS does not tell. */
export async function failuresOf(
  session: Session,
  systemId: string,
): Promise<readonly FailureNote[]> {
  const { avoid_failed_minutes: minutes } = session.settings;
  if (minutes === 0) return [];
  const nowMs = Date.now();
  const events = (await newestEvents(session, systemId).catch(forgetful(session, systemId))) ?? [];
  const cleared = events.findIndex(({ description }) => description.includes(clearedNote));
  return events
    .slice(0, cleared < 0 ? events.length : cleared)
    .flatMap((event) => noteIn(event, nowMs))
    .filter(({ minutesAgo }) => minutesAgo < minutes && minutesAgo > -minutes);
}

/** Why a machine is passed over; `isRefused` when it is not even taken where no other is left. */
export interface Standing {
  readonly isRefused: boolean;
  readonly minutesAgo: number;
}

/**
 * The machine's standing for this instance and system; `undefined` when the failures say nothing.
 *
 * The machine itself is to blame when it was dead or when two systems failed on it. An instance never
 * gets the machine again that it failed on. Where one system alone has failed, others may have the machine;
 * for that system any other machine comes first, since it may be the machine all the same.
 */
export function standingOf(
  failures: readonly FailureNote[],
  wanted: { readonly system: string; readonly uuid: string },
): Standing | undefined {
  const failed = failures.filter(({ blame }) => blame !== 'slow');
  const systems = new Set(failed.map(({ system }) => system));
  const isOwn = failed.some(({ uuid }) => uuid === wanted.uuid);
  const isRefused = isOwn || systems.has(undefined) || systems.size > 1;
  const isSame = ({ blame, system }: FailureNote): boolean =>
    blame === 'slow' || isSameSystem(system ?? '', wanted.system);
  const [newest] = isRefused ? failed : failures.filter(isSame);
  return newest === undefined ? undefined : { isRefused, minutesAgo: newest.minutesAgo };
}

/** Instances may leave the system's name away, and MAAS completes it. */
function isSameSystem(noted: string, wanted: string): boolean {
  const [, series = noted] = noted.split('/');
  return wanted === '' || noted === wanted || series === wanted || noted === defaultSystem;
}

/** In words, for doctor and ListMachines. */
export function inWords(failures: readonly FailureNote[]): string {
  const [newest] = failures;
  if (newest === undefined) return '';
  const what = failures.map(({ blame, system }) =>
    blame === 'dead' ? 'no power' : `${system ?? 'a system'}${blame === 'slow' ? ' (slow)' : ''}`,
  );
  const count = failures.length === 1 ? '1 failure' : `${failures.length} failures`;
  return `${count}, ${newest.minutesAgo} min ago: ${[...new Set(what)].join(', ')}`;
}

/** More machines than these are not asked about one by one. */
const mostMachines = 50;

/** The machines of which failures are remembered, with what these are. */
export async function listFailures(
  session: Session,
  machines: readonly Machine[],
): Promise<ReadonlyMap<string, string>> {
  const found = await mapLimit(machines.slice(0, mostMachines), 4, async ({ system_id }) => {
    return [system_id, inWords(await failuresOf(session, system_id))] as const;
  });
  return new Map(found.filter(([, words]) => words !== ''));
}
