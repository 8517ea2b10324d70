import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { judge, readMark } from '../../../lifecycle/mark.ts';
import { cancel } from '../api/task-state.ts';
import type { Config } from '../api/wire.ts';
import { destroyHalfMade } from './destroy.ts';
import { isRunning, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import { configIfThere } from './read.ts';
import type { Session } from './session.ts';
import { cancelMakers, isBeingMade } from './settle.ts';

const secondLookMs = 500;

type Place = Pick<Machine, 'vmid' | 'node'>;

export interface Made {
  /** Where it may be: a copy appears on the template's node and ends on its own. */
  readonly places: readonly Place[];
  /** The task that makes it; `unknown` when the request for one was never answered. */
  readonly task?: string;
  /** One that somebody else has brought up is left to him. */
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
    if (config === undefined || !isRemovable(session, instance, place, config)) continue;
    if (made.spareRunning === true && isRunning(await readLive(session, place))) continue;
    await destroyHalfMade(session, place, config);
  }
}

/**
 * The configuration once nothing makes the machine any more. When nobody answered the request there
 * may be a task all the same, even before there is a configuration.
 */
async function settled(
  session: Session,
  place: Place,
  search: boolean,
): Promise<Config | undefined> {
  const config = search ? await searched(session, place) : await configIfThere(session, place);
  if (config === undefined || !isBeingMade(config)) return config;
  const { vmid, node } = place;
  throw new Failure('conflict', `machine ${vmid} on ${node} is left locked and half-made`, {
    advice: `If no task works on it, root on ${node} has to run: qm unlock ${vmid} && qm destroy ${vmid}`,
  });
}

/** What was sent may be taken up only now, so that an empty place is looked at once more. */
async function searched(session: Session, place: Place): Promise<Config | undefined> {
  await cancelMakers(session, place);
  const config = await configIfThere(session, place);
  if (config !== undefined) return config;
  const { deadline } = session.api;
  const pauseMs = Math.min(secondLookMs, deadline.remainingMs() / 4);
  await deadline.sleep(pauseMs, `looking for machine ${place.vmid}`);
  await cancelMakers(session, place);
  return configIfThere(session, place);
}

/** What is built by now was finished by another process, and its instance may be in use. */
function isRemovable(
  session: Session,
  { uuid }: Instance,
  { vmid }: Place,
  config: Config,
): boolean {
  const mark = readMark(config['description'] ?? '');
  const { installation } = session.context;
  const said = judge(mark, { uuid, installation, remoteId: String(vmid) });
  return said === 'ours' && typeof mark === 'object' && mark.state === 'building';
}
