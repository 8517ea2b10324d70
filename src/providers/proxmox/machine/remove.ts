import type { Mark } from '../../../contract/machine.ts';
import { expectFailure, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type RetryPolicy, retryWhile } from '../../../kit/retry.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { isAbsentHere, isChanged } from '../api/error-texts.ts';
import { run } from '../api/tasks.ts';
import { type Config, flagOf } from '../api/wire.ts';
import { type Form, writeConfig } from './config.ts';
import { cutPower } from './power.ts';
import { configIfThere, isRunning, type Place, readLive } from './read.ts';
import { changedLately, type Session } from './session.ts';

/*
 * Two calls may be at work on one unfinished machine: one finishes it, the other takes it away. Both
 * write the description, each only over what it has read, so that one of them learns that it is too
 * late.
 */

const sign = 'Being removed';
/** Each round is lost only to the write of another call or person. */
const mostRounds = 5;

/** A call has begun to take the machine away, and may have been killed over it. */
export function isBeingRemoved({ description }: Config): boolean {
  return description?.startsWith(sign) === true;
}

/**
 * Writes into an unfinished machine that it is being removed, and takes the template's protection
 * off; answers `false` when another call has finished the machine meanwhile. Where nothing can be
 * written, no call can finish it either.
 */
export async function claimRemoval(
  session: Session,
  place: Place,
  config: Config,
): Promise<boolean> {
  const what = `mark machine ${place.vmid} as being removed`;
  return overWhatWasRead(session, place, config, async (current) => {
    if (current === undefined || isBeingRemoved(current)) return true;
    if (stateIn(current) !== 'building') return false;
    const description = `${sign}\n${current['description'] ?? ''}`;
    const inherited = flagOf(current['protection']) ? { delete: 'protection' } : {};
    const form = { description, ...inherited, ...proofOf(current) };
    await writeConfig(session, place, form, what).catch((thrown: unknown) => {
      if (isChanged(thrown)) throw thrown;
      const { message: error } = expectFailure(thrown);
      session.context.log('removal.unclaimed', { machine: place.vmid, error });
    });
    return true;
  });
}

/** Writes the mark of a finished machine; answers `false` when a call is taking the machine away. */
export async function claimBuilt(session: Session, place: Place, form: Form): Promise<boolean> {
  const what = `mark machine ${place.vmid} as built`;
  return overWhatWasRead(session, place, undefined, async (current) => {
    if (current === undefined || isBeingRemoved(current)) return false;
    if (stateIn(current) === 'built') return true;
    await writeConfig(session, place, { ...form, ...proofOf(current) }, what);
    return true;
  });
}

/** Goes by what is there, and once more when that was not what has been written over. */
async function overWhatWasRead(
  session: Session,
  place: Place,
  config: Config | undefined,
  write: (current: Config | undefined) => Promise<boolean>,
): Promise<boolean> {
  let current = config?.['digest'] === undefined ? await configIfThere(session, place) : config;
  const policy: RetryPolicy<boolean> = {
    deadline: session.context.deadline,
    doing: `waiting to write on machine ${place.vmid}`,
    pauseMs: (thrown, round) => (isChanged(thrown) && round < mostRounds ? 0 : undefined),
    async unlessDone() {
      current = await configIfThere(session, place);
      return undefined;
    },
  };
  return retryWhile(policy, () => write(current));
}

function stateIn({ description }: Config): Mark['state'] | undefined {
  const mark = readMark(description ?? '');
  return typeof mark === 'object' ? mark.state : undefined;
}

/** Makes a write fail when another one came in between. */
export function proofOf({ digest }: Config): Form {
  return digest === undefined ? {} : { digest };
}

// ---- removing ----

interface Listed extends Place {
  /** Its power as the cluster's list has it, up to ten seconds late. */
  readonly listed?: string | undefined;
  /** The instance whose seeds go with it. */
  readonly owner?: string | undefined;
}

/**
 * Destroys a machine and what is configured for it: disks, snapshots, HA, replication, backup jobs.
 *
 * Disks that no configuration names are never asked for: storages are shared between clusters, and
 * the same id is another cluster's machine there.
 */
export async function destroy(session: Session, target: Listed): Promise<void> {
  const { vmid, node, listed } = target;
  const attempt = (): Promise<void> =>
    run(session, {
      method: 'DELETE',
      path: path`/nodes/${node}/qemu/${vmid}`,
      params: { purge: 1 },
      what: `remove machine ${vmid}`,
      doing: `machine ${vmid} was being removed`,
    });
  try {
    // A refusal costs the connection, so that none is asked for.
    if (await mayRun(session, { vmid, node, listed })) await cutPower(session, { vmid, node });
    // Before the machine, so that a call which is killed in between leaves none without one.
    await removeSeeds(session, target);
    await attempt();
  } catch (thrown) {
    if (!remoteMessage(thrown).startsWith(`VM ${vmid} is running`)) throw thrown;
    await cutPower(session, { vmid, node });
    await attempt();
  }
}

async function removeSeeds(session: Session, { node, owner }: Listed): Promise<void> {
  if (session.settings.seed_storage === undefined || owner === undefined) return;
  await (await import('../guest/remove-seeds.ts')).removeSeeds(session, node, owner);
}

/** The list is asked as far as it can be up to date. */
async function mayRun(session: Session, { listed, ...place }: Listed): Promise<boolean> {
  if (listed === 'running') return true;
  if (listed === 'stopped' && !changedLately(session.context)) return false;
  return isRunning(await readLive(session, place));
}

/** Takes away an unfinished machine, unless another call has finished or removed it by then. */
export async function destroyPartial(
  session: Session,
  place: Listed,
  config: Config,
): Promise<void> {
  if (!(await claimRemoval(session, place, config))) return;
  try {
    const mark = readMark(config['description'] ?? '');
    await destroy(session, { ...place, ...(typeof mark === 'object' ? { owner: mark.uuid } : {}) });
  } catch (thrown) {
    if (!isAbsentHere(thrown, place.vmid)) throw thrown;
  }
}
