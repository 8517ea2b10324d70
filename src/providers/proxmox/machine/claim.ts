import type { Mark } from '../../../contract/machine.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import { type RetryPolicy, retryWhile } from '../../../kit/retry.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { isChanged } from '../api/remote-error.ts';
import { type Config, flagOf } from '../api/wire.ts';
import type { Machine } from './machine.ts';
import { configIfThere } from './read.ts';
import type { Session } from './session.ts';
import { type Form, writeConfig } from './write-config.ts';

/*
 * Two calls may be at work on one half-made machine: one finishes it, the other takes it away. Both
 * write the description, each only over what it has read, so that one of them is told that it is
 * too late.
 */

const sign = 'Being removed';
/** Each round is lost only to somebody else's write. */
const mostRounds = 5;

type Place = Pick<Machine, 'vmid' | 'node'>;

/** Somebody has begun to take the machine away, and may have been killed over it. */
export function isBeingRemoved({ description }: Config): boolean {
  return description?.startsWith(sign) === true;
}

/**
 * Writes into a half-made machine that it is being removed, and takes away the template's
 * protection; answers `false` when somebody has finished the machine meanwhile. Where nothing can be
 * written, nobody can finish it either.
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

/** Writes the mark of a finished machine, unless it has it or somebody is taking the machine away. */
export async function claimBuilt(session: Session, place: Place, form: Form): Promise<void> {
  const { vmid } = place;
  const what = `mark machine ${vmid} as built`;
  await overWhatWasRead(session, place, undefined, async (current) => {
    if (current === undefined || isBeingRemoved(current)) throw takenAway(vmid);
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
    deadline: session.api.deadline,
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

/** Makes a write fail when somebody else has written in between. */
function proofOf({ digest }: Config): Form {
  return digest === undefined ? {} : { digest };
}

function takenAway(vmid: number): Failure {
  return new Failure('conflict', `Another call has begun to take machine ${vmid} away`, {
    advice: 'Try again when that call has ended',
  });
}
