import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Context } from '../../../src/contract/context.ts';
import type {
  Network,
  NetworkMark,
  Networks,
  RemoteNetwork,
} from '../../../src/contract/network.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { destroy, implement, shutDown } from '../../../src/lifecycle/network/networks.ts';

const network: Network = { id: '227', kind: 'Isolated', tag: 1512 };
const mark: NetworkMark = { installation: 'lab-1', networkId: '227' };

/** Networks in memory, with a note of every primitive that changed something. */
function remote(list: RemoteNetwork[], users: readonly string[] = []) {
  const done: string[] = [];
  const networks: Networks = {
    list: async () => list,
    idFor: ({ networkId }) => `net${networkId}`,
    async make(_network, made) {
      done.push('make');
      const one = { remoteId: `net${made.networkId}`, mark: made };
      list.push(one);
      return one;
    },
    async update(own) {
      done.push(`update ${own.remoteId}`);
      return own;
    },
    broadcast: ({ remoteId }) => ({ uri: `vs://${remoteId}`, type: 'Vswitch' }),
    users: async () => users,
    idle: async (own) => void done.push(`idle ${own.remoteId}`),
    remove: async (own) => void done.push(`remove ${own.remoteId}`),
  };
  const deadline = createDeadline(() => 0, { endMs: 1000, undoEndMs: 2000 });
  const context: Context = {
    deadline,
    log: () => {},
    installation: 'lab-1',
    stateDirectory: (name) => name,
  };
  return { life: { networks, context }, done };
}

const ours: RemoteNetwork = { remoteId: 'net227', mark };
const strangers: readonly RemoteNetwork[] = [
  { remoteId: 'net227', mark: undefined },
  { remoteId: 'net227', mark: 'unreadable' },
  { remoteId: 'net227', mark: { ...mark, installation: 'lab-2' } },
  { remoteId: 'net227', mark: { ...mark, networkId: '228' } },
];

describe('the rules of remote networks', () => {
  it('a network is made once and brought up to date after that', async () => {
    const { life, done } = remote([]);
    assert.equal((await implement(life, network)).uri, 'vs://net227');
    assert.equal((await implement(life, network)).uri, 'vs://net227');
    assert.deepEqual(done, ['make', 'update net227']);
  });

  it('a network that does not carry our mark is never changed and never taken for ours', async () => {
    for (const stranger of strangers) {
      const { life, done } = remote([stranger]);
      await assert.rejects(implement(life, network), /not marked as network 227's/);
      await shutDown(life, network);
      await destroy(life, network);
      assert.deepEqual(done, []);
    }
  });

  it('a network is ours by its mark, also after an operator has renamed it', async () => {
    const { life, done } = remote([{ remoteId: 'renamed', mark }]);
    assert.equal((await implement(life, network)).uri, 'vs://renamed');
    await destroy(life, network);
    assert.deepEqual(done, ['update renamed', 'remove renamed']);
  });

  it('two networks with one mark are left alone: only a shutdown may not fail for it', async () => {
    const { life, done } = remote([ours, { remoteId: 'copy', mark }]);
    await assert.rejects(implement(life, network), /net227 and copy/);
    await assert.rejects(destroy(life, network), /net227 and copy/);
    await shutDown(life, network);
    assert.deepEqual(done, []);
  });

  it('a network that something names stays: at a shutdown quietly, at the end with a failure', async () => {
    const { life, done } = remote([ours], ['net0 of machine 101']);
    await shutDown(life, network);
    assert.deepEqual(done, ['idle net227']);
    await assert.rejects(destroy(life, network), /still named by net0 of machine 101/);
  });

  it('a network that nothing names is removed, and one that is gone is a success', async () => {
    for (const end of [shutDown, destroy]) {
      const { life, done } = remote([ours]);
      await end(life, network);
      assert.deepEqual(done, ['remove net227']);
      await end(remote([]).life, network);
    }
  });
});
