import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import { installation } from '../../conformance/cloud.ts';
import { inMaas, type MaasScene, requests } from './scene.ts';

/** Instances that are on, although MAAS heard last that they are off. */
async function stale({ backend, fake }: MaasScene, count: number): Promise<readonly FakeMachine[]> {
  const ids = [...Array(count).keys()].map((at) =>
    backend.plant({
      name: `i-2-${at + 1}-VM`,
      power: 'on',
      mark: (remoteId) => ({
        ...{ uuid: `8f4e2a6c-0e57-4a8b-a8d5-${String(at + 1).padStart(12, '0')}` },
        ...{ name: `i-2-${at + 1}-VM`, installation, remoteId, state: 'built', origin: 'created' },
      }),
    }),
  );
  const machines = (await Promise.all(ids)).map((id) => fake.machine(id));
  for (const machine of machines) machine.cachedPower = 'off';
  return machines;
}

function names(count: number): readonly string[] {
  return [...Array(count).keys()].map((at) => `i-2-${at + 1}-VM`);
}

function answer(states: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names(states.length).map((name, at) => [name, states[at] ?? '']));
}

function asked({ fake }: MaasScene): number {
  return requests(fake).filter((each) => each.endsWith('query_power_state')).length;
}

describe('what MAAS does not know for certain', () => {
  it(
    'costs a status two requests on one connection',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      own().cachedPower = 'off';
      const [requestsBefore, before] = [requests(fake).length, fake.connections()];
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      assert.deepEqual(requests(fake).slice(requestsBefore), [
        'GET /machines/',
        'GET /machines/ID/?op=query_power_state',
      ]);
      assert.equal(fake.connections() - before, 1);
    }),
  );

  it(
    'is asked of eight BMCs one after another on one connection',
    inMaas({ timings: { bmcMs: 10 } }, async (scene) => {
      await stale(scene, 8);
      const { document } = await scene.cloud.ok('statuses');
      assert.deepEqual(document['power_state'], answer(Array(8).fill('PowerOn')));
      assert.equal(asked(scene), 8);
      assert.equal(scene.fake.connections(), 1);
    }),
  );

  it(
    'takes further connections only for long lists, and four at most',
    inMaas({ timings: { bmcMs: 10 } }, async (scene) => {
      await stale(scene, 40);
      const { document } = await scene.cloud.ok('statuses');
      assert.deepEqual(document['power_state'], answer(Array(40).fill('PowerOn')));
      assert.equal(asked(scene), 40);
      assert.equal(scene.fake.connections(), 4);
    }),
  );

  it(
    'is unknown of a BMC that does not answer, which takes no time from the others',
    inMaas({}, async (scene) => {
      const [first, , third] = await stale(scene, 4);
      Object.assign(first ?? {}, { bmc: 'silent' });
      Object.assign(third ?? {}, { powered: false });
      const { document } = await scene.cloud.ok('statuses', { timeoutSeconds: 4 });
      assert.deepEqual(
        document['power_state'],
        answer(['PowerUnknown', 'PowerOn', 'PowerOff', 'PowerOn']),
      );
    }),
  );
});
