import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import { inMaas, type MaasScene } from './scene.ts';

const leaving = 'outrigger-leaving';

/** Does something right before the fake sees the n-th writing of annotations. */
function beforeAnnotating({ fake }: MaasScene, nth: number, act: () => void): void {
  let count = 0;
  fake.disturb(({ op }) => {
    if (op !== 'set_workload_annotations') return undefined;
    count += 1;
    if (count === nth) act();
    return undefined;
  });
}

/** A create whose first machine another call begins to release while it is being marked as built. */
async function createAgainstRelease(scene: MaasScene) {
  const { cloud, fake } = scene;
  let released: FakeMachine | undefined;
  let mark = '';
  let count = 0;
  fake.world.tags.add('slow');
  fake.disturb(({ op }) => {
    // The machine must not be the one that is claimed next.
    if (op === 'release' && released !== undefined && mark === '') {
      mark = released.annotations['outrigger'] ?? '';
      released.tags = ['slow'];
    }
    if (op !== 'set_workload_annotations') return undefined;
    count += 1;
    // The claim is marked first, and then as built.
    if (count !== 2) return undefined;
    released = scene.own();
    released.annotations[leaving] = cloud.vm.uuid;
    return undefined;
  });
  const { exitCode, text } = await cloud.call('create', { host: { exclude_tags: 'slow' } });
  assert.equal(exitCode, 0, text);
  assert.ok(released !== undefined, 'no machine was marked as built');
  return { released, mark };
}

const asBuilt = (text: string | undefined): string => (text ?? '').replace('"building"', '"built"');

describe('two calls at one unfinished machine of MAAS', () => {
  it(
    'create does not report a machine that another call has begun to release, and claims another',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      const { mark, released } = await createAgainstRelease(scene);
      assert.match(mark, /"building"/, 'the other call may go on');
      assert.match(cloud.allOutput(), /Another call has begun to take machine \S+ of .* away/);
      assert.equal(released.agentName, '', 'the machine was released');
      assert.notEqual(scene.own().systemId, released.systemId);
      assert.match(scene.own().annotations['outrigger'] ?? '', /"built"/);
      assert.deepEqual(scene.owned(), [scene.own()], 'nothing else is left');
    }),
  );

  it(
    'stop switches off a machine that another call has just finished, and does not release it',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      await cloud.ok('create');
      const { annotations } = scene.own();
      annotations['outrigger'] = (annotations['outrigger'] ?? '').replace('"built"', '"building"');
      beforeAnnotating(scene, 1, () => {
        annotations['outrigger'] = asBuilt(annotations['outrigger']);
      });
      await cloud.ok('stop');
      assert.equal(scene.own().status, 'deployed');
      assert.equal(scene.own().annotations[leaving], undefined);
    }),
  );

  it(
    'create releases a machine that a killed call had begun to release, and claims another',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      await cloud.ok('create');
      const { annotations } = scene.own();
      annotations['outrigger'] = (annotations['outrigger'] ?? '').replace('"built"', '"building"');
      annotations[leaving] = cloud.vm.uuid;
      await cloud.ok('create');
      assert.equal(scene.own().annotations[leaving], undefined);
      assert.match(scene.own().annotations['outrigger'] ?? '', /"built"/);
      assert.doesNotMatch(cloud.allOutput(), /create\.taken-away/, 'it did not try the first');
    }),
  );
});
