import type { Context } from '../../contract/context.ts';
import type {
  Broadcast,
  Network,
  NetworkMark,
  Networks,
  RemoteNetwork,
} from '../../contract/network.ts';
import { expectFailure, Failure, isKind } from '../../failure.ts';
import { withUndo } from '../../kit/undo.ts';

/*
 * The rules about the owner of a remote network and its end. A mark of this installation and this network
 * proves that it is ours, as for machines; nothing else is ever changed.
 */

/** The remote networks of one call, and the parts of the process that it may use. */
export interface NetworkLife {
  readonly networks: Networks;
  readonly context: Context;
}

/** Ends when every node has the network. Comes again on a network that is in use, or never. */
export async function implement(life: NetworkLife, network: Network): Promise<Broadcast> {
  const { networks, context } = life;
  const { own, taken, twin } = await find(life, network);
  if (taken !== undefined) throw notOurs(taken, network);
  if (own !== undefined && twin !== undefined) throw twice(own, twin, network);
  const { deadline } = context;
  const remote = await withUndo(context, (undo) =>
    own === undefined
      ? networks.make(network, markOf(context, network), { deadline, undo })
      : networks.update(own, network, { deadline, undo }),
  );
  return networks.broadcast(remote, network);
}

/**
 * CloudStack has no use for the network at the moment: it is removed, unless a machine, a template or a
 * snapshot names it. A failure would block every start on the network.
 */
export async function shutDown(life: NetworkLife, network: Network): Promise<void> {
  const { networks, context } = life;
  const { own, twin } = await find(life, network);
  if (own === undefined) return;
  if (twin !== undefined) {
    context.log('network.twice', { level: 'warn', remote: [own.remoteId, twin.remoteId] });
    return;
  }
  const users = await networks.users(own, context.deadline);
  if (users.length === 0) return removeIfFree(life, own);
  const { deadline, log } = context;
  log('network.kept', { remote: own.remoteId, users: users.slice(0, 20) });
  await withUndo(context, async (undo) => networks.idle?.(own, { deadline, undo }));
}

/**
 * CloudStack deletes the network and gives its VLAN to another one, so that a remote network that is
 * named by anything fails the call. A network that is gone, or that we never made, is a success.
 */
export async function destroy(life: NetworkLife, network: Network): Promise<void> {
  const { networks, context } = life;
  const { own, taken, twin } = await find(life, network);
  if (own !== undefined && twin !== undefined) throw twice(own, twin, network);
  if (taken !== undefined) context.log('network.left-alone', { remote: taken.remoteId });
  if (own === undefined) return;
  const users = await networks.users(own, context.deadline);
  if (users.length > 0) throw inUse(own, network, users);
  await remove(life, own);
}

/** The remote network, and everything that names it, for an operator. */
export async function look(life: NetworkLife, network: Network) {
  const { own } = await find(life, network);
  if (own === undefined) return undefined;
  return { remote: own, users: await life.networks.users(own, life.context.deadline) };
}

/** Another program's changes are under way on the remote system: the network waits for the next shutdown. */
async function removeIfFree(life: NetworkLife, own: RemoteNetwork): Promise<void> {
  try {
    await remove(life, own);
  } catch (thrown) {
    if (!isKind(thrown, 'conflict')) throw thrown;
    const { message: error } = expectFailure(thrown);
    life.context.log('network.kept', { level: 'warn', remote: own.remoteId, error });
  }
}

async function remove({ networks, context }: NetworkLife, own: RemoteNetwork): Promise<void> {
  const { deadline } = context;
  await withUndo(context, (undo) => networks.remove(own, { deadline, undo }));
}

/** `taken` has the id that the network's own one would have, without its mark. */
async function find({ networks, context }: NetworkLife, network: Network) {
  const mark = markOf(context, network);
  const all = await networks.list(context.deadline);
  const [own, twin] = all.filter((remote) => isMarked(remote, mark));
  const id = networks.idFor(mark);
  const taken = own === undefined ? all.find(({ remoteId }) => remoteId === id) : undefined;
  return { own, twin, taken };
}

function isMarked({ mark }: RemoteNetwork, { installation, networkId }: NetworkMark): boolean {
  if (typeof mark !== 'object') return false;
  return mark.installation === installation && mark.networkId === networkId;
}

function markOf({ installation }: Context, { id }: Network): NetworkMark {
  return { installation, networkId: id };
}

function notOurs({ remoteId }: RemoteNetwork, { id }: Network): Failure {
  return new Failure(
    'conflict',
    `The remote network ${remoteId} is not marked as network ${id}'s`,
    {
      advice: 'Rename or remove it, or give back the mark that an operator has changed',
    },
  );
}

function twice(one: RemoteNetwork, other: RemoteNetwork, { id }: Network): Failure {
  const both = `${one.remoteId} and ${other.remoteId}`;
  return new Failure('conflict', `Two remote networks are marked as network ${id}'s: ${both}`, {
    advice: 'Remove the mark of the one that was copied',
  });
}

function inUse({ remoteId }: RemoteNetwork, { id }: Network, users: readonly string[]): Failure {
  const some = users.slice(0, 5).join(', ');
  const named = users.length > 5 ? `${some} and ${users.length - 5} more` : some;
  return new Failure('conflict', `Network ${id} (${remoteId}) is still named by ${named}`, {
    advice: 'Take its NICs off there and delete the network again',
  });
}
