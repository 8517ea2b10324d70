import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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

const asBuilt = (text: string | undefined): string => (text ?? '').replace('"building"', '"built"');

describe('two calls at one unfinished machine of MAAS', () => {
  it(
    'create does not report a machine that another call has begun to give back',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      // The claim is marked first, and then as built.
      beforeAnnotating(scene, 2, () => {
        scene.own().annotations[leaving] = cloud.vm.uuid;
      });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /has begun to give .* back.*Try again/);
      assert.deepEqual(scene.owned(), [], 'nothing is left');
    }),
  );

  it(
    'stop switches off what another call has finished in this moment, and does not give it back',
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
    'create gives back what a killed call had begun to give back, and takes another',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      await cloud.ok('create');
      const { annotations } = scene.own();
      annotations['outrigger'] = (annotations['outrigger'] ?? '').replace('"built"', '"building"');
      annotations[leaving] = cloud.vm.uuid;
      await cloud.ok('create');
      assert.equal(scene.own().annotations[leaving], undefined);
      assert.match(scene.own().annotations['outrigger'] ?? '', /"built"/);
    }),
  );
});
