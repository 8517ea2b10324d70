import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { judge, readMark } from '../../../lifecycle/mark.ts';
import { lockOn } from '../api/locks.ts';
import { cancel } from '../api/task-state.ts';
import type { Config } from '../api/wire.ts';
import { type Maker, makersOf } from './makers.ts';
import { configIfThere, isRunning, type Place, readLive } from './read.ts';
import { destroyPartial } from './remove.ts';
import type { Session } from './session.ts';

/* Machines that are being made: waiting until they are, and taking away those that will not be. */

/**
 * The configuration of a machine once nothing of ours is still making it; `undefined` when it is
 * gone by then.
 *
 * While a machine is being copied it has no mark yet, so that a copy which a killed process began
 * shows only by its task.
 */
export async function settle(session: Session, row: Place): Promise<Config | undefined> {
  const first = await configIfThere(session, row);
  if (first === undefined || !isBeingMade(first)) return first;
  const look = async (): Promise<{ readonly config: Config | undefined } | undefined> => {
    const config = await configIfThere(session, row);
    if (config === undefined || !isBeingMade(config)) return { config };
    if ((await makersOf(session, row)).length > 0) return undefined;
    // The task may have ended between the two looks.
    return { config: await configIfThere(session, row) };
  };
  session.context.log('machine.settling', { machine: row.vmid });
  const { config } = await poll(
    session.context.deadline,
    `machine ${row.vmid} was still being copied`,
    look,
    { firstMs: 50, growth: 1.3, mostMs: 2000 },
  );
  return config;
}

/** Still being copied: the mark that says which instance it is for is not written yet. */
export function isBeingMade(config: Config): boolean {
  const { lock, description } = config;
  return (lock === 'clone' || lock === 'create') && readMark(description ?? '') === undefined;
}

/** Cancels the tasks that are making the machine, once it is certain which they are. */
async function cancelMakers(session: Session, place: Place): Promise<void> {
  const look = async (): Promise<readonly Maker[] | undefined> => {
    const makers = await makersOf(session, place);
    const certain = makers.filter((maker) => maker.certain);
    return certain.length > 0 || makers.length === 0 ? certain : undefined;
  };
  const doing = `waiting to know which task makes machine ${place.vmid}`;
  for (const { upid } of await poll(session.context.deadline, doing, look))
    await cancel(session, upid);
}

// ---- taking back ----

const secondSearchMs = 500;

export interface Made {
  /** Where it may be: a copy appears on the template's node and ends on its own. */
  readonly places: readonly Place[];
  /** The task that makes it; `unknown` when the request for one was never answered. */
  readonly task?: string;
  /** A machine that runs is left to the call that has brought it up, unless that is this one. */
  readonly spareRunning?: boolean;
}

/**
 * Takes back what a create has made: its task is cancelled and its machine removed, once the mark
 * says that it is this instance's and not built. Fails when something is left, and says what.
 */
export async function removeMade(session: Session, instance: Instance, made: Made): Promise<void> {
  const search = made.task === 'unknown';
  if (made.task !== undefined && !search) await cancel(session, made.task);
  for (const place of made.places) {
    const config = await settled(session, place, search);
    if (config === undefined || !isOwn(session, instance, place, config)) continue;
    if (spareRunning(session, made, place) && isRunning(await readLive(session, place))) continue;
    // A machine that another process has finished by now is left alone by this.
    await destroyPartial(session, place, config);
  }
}

function spareRunning({ started }: Session, { spareRunning = false }: Made, { vmid }: Place) {
  return spareRunning && !started.has(vmid);
}

/**
 * The configuration once nothing makes the machine any more. When the request was not answered there
 * may be a task all the same, even before there is a configuration.
 */
async function settled(
  session: Session,
  place: Place,
  search: boolean,
): Promise<Config | undefined> {
  const config = search ? await searched(session, place) : await configIfThere(session, place);
  if (config === undefined || !isBeingMade(config)) return config;
  throw await leftLocked(session, place, config);
}

/** It carries no mark yet, so that it may as well be another instance's which is being made right now. */
async function leftLocked({ api }: Session, place: Place, { lock }: Config): Promise<Failure> {
  const { vmid, node } = place;
  const left = `machine ${vmid} on ${node} is left locked and unfinished`;
  try {
    const { words, advice } = await lockOn(api, place, lock);
    return new Failure('conflict', words === undefined ? left : `${left}, ${words}`, { advice });
  } catch (thrown) {
    expectFailure(thrown);
    return new Failure('conflict', left, { advice: 'Look at it with `outrigger audit`' });
  }
}

/** The request may be taken up only now, so that an empty place is looked at once more. */
async function searched(session: Session, place: Place): Promise<Config | undefined> {
  await cancelMakers(session, place);
  const config = await configIfThere(session, place);
  if (config !== undefined) return config;
  const { deadline } = session.context;
  const pauseMs = Math.min(secondSearchMs, deadline.remainingMs() / 4);
  await deadline.sleep(pauseMs, `looking for machine ${place.vmid}`);
  await cancelMakers(session, place);
  return configIfThere(session, place);
}

function isOwn(
  { context }: Session,
  { uuid }: Instance,
  { vmid }: Place,
  { description = '' }: Config,
): boolean {
  const wanted = { uuid, installation: context.installation, remoteId: String(vmid) };
  return judge(readMark(description), wanted) === 'ours';
}
