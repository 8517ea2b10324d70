import type { Undo } from '../../../contract/context.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import { poll, pollFor } from '../../../kit/poll.ts';
import { withUndo } from '../../../kit/undo.ts';
import { exitOf, pace, tail } from '../api/task-state.ts';
import { textOf } from '../api/wire.ts';
import { readUnlessForeign } from './foreign.ts';
import { isLocked, type LockToken, stillLocked, whileLocked } from './lock.ts';
import type { Lack } from './nodes.ts';
import type { NetworkSession } from './session.ts';
import { twice } from './vnets.ts';

/*
 * An apply commits everything that waits, then reloads one node after the other, and its task always ends
 * well. Two applies at once collide on a node, whose reload then fails for one of them.
 */

/** Changes that wait for the apply of this call, and are taken back when it does not come. */
export interface Draft {
  add(what: string, takeBack: (session: NetworkSession) => Promise<void>): void;
  /** Applies what waits, which releases the lock, and answers the task that reloads the nodes. */
  commit(token: LockToken): Promise<string | undefined>;
}

export function draftOf(session: NetworkSession, undo: Undo): Draft {
  let applied = false;
  return {
    add: (what, takeBack) =>
      undo.add(what, async (deadline) => {
        if (!applied) await takeBack(session.at(deadline));
      }),
    async commit(token) {
      const upid = await commit(session, token);
      applied = true;
      return upid;
    },
  };
}

async function commit(
  { api, context }: NetworkSession,
  token: LockToken,
): Promise<string | undefined> {
  const release = token['lock-token'] === undefined ? {} : { ...token, 'release-lock': 1 };
  const ask = { what: 'apply the SDN configuration', form: release };
  try {
    const { data } = await twice(() => api.send('PUT', '/cluster/sdn', ask));
    context.log('sdn.applied');
    return textOf(data);
  } catch (thrown) {
    throw isLocked(thrown) ? stillLocked(thrown) : thrown;
  }
}

/** Its end says nothing about nodes, and whether it is seen matters little: the nodes are asked. */
export async function untilEnded(session: NetworkSession, upid: string | undefined): Promise<void> {
  if (upid === undefined) return;
  const { api, context } = session;
  const what = 'apply the SDN configuration';
  try {
    const look = (): Promise<string | undefined> => exitOf(api, upid, what);
    await poll(api.deadline, 'waiting until the nodes are reloaded', look, {
      ...pace,
      firstMs: 100,
    });
    const troubles = (await tail(api, upid, { most: 100 })).filter((line) =>
      /failed|error/i.test(line),
    );
    if (troubles.length > 0) context.log('sdn.trouble', { task: upid, log: troubles.slice(0, 10) });
  } catch (thrown) {
    const { message: error } = expectFailure(thrown);
    if (api.deadline.remainingMs() === 0) throw thrown;
    context.log('sdn.unseen', { task: upid, error, level: 'warn' });
  }
}

/** A look at the nodes: those that lack what was applied. */
export type Look = () => Promise<readonly Lack[]>;

const mostApplies = 5;
/** The time that another server's apply may need to bring the same to the nodes. */
const othersMs = 1500;

/**
 * Looks at the nodes until none lacks anything; where an apply has not reached one, it is repeated. Answers
 * the nodes that still lack something when more tries would not help, or there is no time for one.
 */
export async function reachNodes(session: NetworkSession, look: Look): Promise<readonly Lack[]> {
  const { api, context } = session;
  let lacks: readonly Lack[] = [];
  const lookAndKeep: Look = async () => {
    lacks = await look();
    return lacks;
  };
  try {
    for (let turn = 1; ; turn += 1) {
      await settled(session, lookAndKeep);
      if (lacks.length === 0 || lacks.some(({ lasting }) => lasting)) return lacks;
      if (turn === mostApplies || api.deadline.remainingMs() < 3 * othersMs) return lacks;
      context.log('sdn.again', { lacks: lacks.map(({ node, why }) => `${node}: ${why}`), turn });
      await applyAgain(session);
    }
  } catch (thrown) {
    // The nodes that lacked it at the last look say more than that the time is up.
    if (lacks.length > 0 && api.deadline.remainingMs() === 0) return lacks;
    throw thrown;
  }
}

/** Another server may be reloading the nodes at this moment. */
async function settled({ api }: NetworkSession, look: Look): Promise<void> {
  const ms = Math.min(othersMs * (0.5 + Math.random()), api.deadline.remainingMs() / 2);
  await pollFor(api.deadline, { ms, what: 'waiting for the nodes' }, async () => {
    const lacks = await look();
    return lacks.length === 0 || lacks.some(({ lasting }) => lasting);
  });
}

/** No change is needed for a node to be reloaded once more. */
async function applyAgain(session: NetworkSession): Promise<void> {
  const upid = await withUndo(session.context, (undo) =>
    whileLocked(session, undo, async (token) => {
      await readUnlessForeign(session);
      return commit(session, token);
    }),
  );
  await untilEnded(session, upid);
}

/** The failure for nodes that have not got a vnet. */
export function notReached(vnet: string, lacks: readonly Lack[]): Failure {
  const found = lacks.map(({ node, why }) => `${node}: ${why}`).join('; ');
  return new Failure('upstream', `The vnet ${vnet} is not on every node (${found})`, {
    advice:
      'Look at the log of the task srvreload on that node, mend it, and start the instance again; `pvesh set /cluster/sdn` applies once more',
    tenant: 'The network could not be made ready on every host',
  });
}
