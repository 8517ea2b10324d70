import assert from 'node:assert/strict';
import { it } from 'node:test';
import { speaksFor } from '../../src/lifecycle/responsibility.ts';

const nodes = ['a', 'b', 'c'];
const hosts = [
  { nodes: ['a'], otherNodes: ['b'] },
  { nodes: ['b'], otherNodes: ['a'] },
];

it('every machine on a node of a known home has exactly one host that reports it', () => {
  for (const node of nodes) {
    for (const home of ['a', 'b']) {
      const reporting = hosts.filter((host) => speaksFor({ node, home }, host));
      assert.equal(reporting.length, 1, `${node} from ${home}`);
    }
  }
});

it('a machine on a node of ours is ours to report, wherever it was made', () => {
  const placed = { node: 'a', home: undefined };
  assert.equal(speaksFor(placed, { nodes: ['a'], otherNodes: ['a'] }), true);
});

it('a machine of unknown home on a node that nobody speaks for is reported by nobody', () => {
  const placed = { node: 'c', home: undefined };
  assert.deepEqual(
    hosts.map((host) => speaksFor(placed, host)),
    [false, false],
  );
});
