import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { judge, readMark } from '../../lifecycle/mark.ts';
import { destroyHalfMade } from './destroy.ts';
import { configIfThere } from './inventory.ts';
import { isRunning, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import type { Rig } from './rig.ts';
import { cancelMakers, isBeingMade } from './settle.ts';
import { cancel } from './task-state.ts';
import type { Config } from './wire.ts';

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
export async function removeMade(rig: Rig, instance: Instance, made: Made): Promise<void> {
  const search = made.task === 'unknown';
  if (made.task !== undefined && !search) await cancel(rig, made.task);
  for (const place of made.places) {
    const config = await settled(rig, place, search);
    if (config === undefined || !isRemovable(rig, instance, place, config)) continue;
    if (made.spareRunning === true && isRunning(await readLive(rig, place))) continue;
    await destroyHalfMade(rig, place, config);
  }
}

/**
 * The configuration once nothing makes the machine any more. When nobody answered the request there
 * may be a task all the same, even before there is a configuration.
 */
async function settled(rig: Rig, place: Place, search: boolean): Promise<Config | undefined> {
  const config = search ? await searched(rig, place) : await configIfThere(rig, place);
  if (config === undefined || !isBeingMade(config)) return config;
  const { vmid, node } = place;
  throw new Failure('conflict', `machine ${vmid} on ${node} is left locked and half-made`, {
    advice: `If no task works on it, root on ${node} has to run: qm unlock ${vmid} && qm destroy ${vmid}`,
  });
}

/** What was sent may be taken up only now, so that an empty place is looked at once more. */
async function searched(rig: Rig, place: Place): Promise<Config | undefined> {
  await cancelMakers(rig, place);
  const config = await configIfThere(rig, place);
  if (config !== undefined) return config;
  const { deadline } = rig.api;
  const pauseMs = Math.min(secondLookMs, deadline.remainingMs() / 4);
  await deadline.sleep(pauseMs, `looking for machine ${place.vmid}`);
  await cancelMakers(rig, place);
  return configIfThere(rig, place);
}

/** What is built by now was finished by another process, and its instance may be in use. */
function isRemovable(rig: Rig, { uuid }: Instance, { vmid }: Place, config: Config): boolean {
  const mark = readMark(config['description'] ?? '');
  const { installation } = rig.context;
  const said = judge(mark, { uuid, installation, remoteId: String(vmid) });
  return said === 'ours' && typeof mark === 'object' && mark.state === 'building';
}
