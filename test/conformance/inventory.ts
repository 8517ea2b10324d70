import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Check } from '../../src/contract/provider.ts';
import { Failure } from '../../src/failure.ts';
import { readMark } from '../../src/lifecycle/mark.ts';
import type { SetUp } from './backend.ts';
import { has, inScene, type Scene } from './cloud.ts';
import { markOf, pointAt } from './machine.ts';
import { examine, instanceOf, operatorVerbs } from './operator.ts';

/** Whether a rejection is a planned failure; a programmer’s error is none. */
function isRefusal(thrown: unknown): boolean {
  assert.ok(thrown instanceof Failure, String(thrown));
  assert.notEqual(thrown.kind, 'internal', thrown.message);
  return true;
}

async function assertRefused(scene: Scene, remoteId: string, why: string): Promise<void> {
  const before = await scene.backend.machines();
  const session = operatorVerbs(scene);
  const work = session.adopt(remoteId, instanceOf(scene.cloud));
  await assert.rejects(Promise.resolve(work), isRefusal, `${remoteId} was marked: ${why}`);
  assert.deepEqual(await scene.backend.machines(), before, why);
}

function assertReadable(lines: readonly Check[]): void {
  assert.ok(lines.length > 0, 'doctor is told nothing');
  for (const { name, found } of lines) assert.ok(name !== '' && found !== '', name);
}

export function inventoryCases(setUp: SetUp): void {
  it(
    'all machines of the system are listed with the marks they carry, foreign ones too',
    inScene(setUp, async (scene) => {
      const { backend, cloud } = scene;
      await cloud.deploy();
      const theirs = markOf(cloud.another(), { installation: 'another-cloud' });
      await backend.plant({ name: 'theirs', mark: theirs });
      await backend.plant({ name: 'somebodys', power: 'on' });
      const there = await backend.machines();
      const listed = await operatorVerbs(scene).machines();
      for (const { remoteId, name, mark, power } of there) {
        const found = listed.filter((machine) => machine.remoteId === remoteId);
        assert.equal(found.length, 1, `${name} is listed ${found.length} times`);
        assert.deepEqual(found[0]?.mark, readMark(mark), `the mark of ${name}`);
        assert.deepEqual([found[0]?.name, found[0]?.power], [name, power]);
      }
      assert.deepEqual(await backend.machines(), there);
    }),
  );

  for (const trouble of ['withdrawRights', 'outage'] as const) {
    const when = trouble === 'outage' ? 'in an outage' : 'without the right to see machines';
    it(
      `no list of machines is given ${when}`,
      inScene(setUp, async (scene) => {
        const { backend, cloud } = scene;
        await cloud.deploy();
        await backend[trouble](true);
        const list = async () => operatorVerbs(scene).machines();
        await assert.rejects(list(), isRefusal);
      }),
    );
  }

  it(
    'adopt marks a machine without a mark, which is the instance’s from then on',
    inScene(setUp, async (scene) => {
      const { backend, cloud, provider } = scene;
      const session = operatorVerbs(scene);
      const remoteId = await backend.plant({ name: 'somebodys', power: 'on' });
      const [before] = (await backend.machines()).filter((each) => each.remoteId === remoteId);
      await session.adopt(remoteId, instanceOf(cloud));
      const machine = await cloud.machine();
      assert.deepEqual(readMark(machine.mark), markOf(cloud, { origin: 'adopted' })(remoteId));
      assert.deepEqual([machine.power, machine.disk], [before?.power, before?.disk]);
      // A system may take a while to list what was written: the stored id leads there at once.
      pointAt(cloud, provider, remoteId);
      await cloud.ok('stop');
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'adopt refuses a machine that carries any instance’s mark, or one that cannot be read',
    inScene(setUp, async (scene) => {
      const { backend, cloud } = scene;
      const other = cloud.another();
      const theirs = markOf(cloud, { installation: 'another-cloud' });
      const marked = await backend.plant({ name: other.vm.name, mark: markOf(other) });
      await assertRefused(scene, marked, 'it is another instance’s');
      const foreign = await backend.plant({ name: 'theirs', mark: theirs });
      await assertRefused(scene, foreign, 'it belongs to another CloudStack');
      if (backend.damage === undefined) return;
      await backend.damage(marked);
      await assertRefused(scene, marked, 'its mark cannot be read');
    }),
  );

  it(
    'adopt refuses a machine that is missing, and a second one for an instance that has one',
    inScene(setUp, async (scene) => {
      const { backend, cloud } = scene;
      const missing = await backend.plant({ name: 'short-lived' });
      await backend.removeBehind(missing);
      await assertRefused(scene, missing, 'it is missing');
      await cloud.deploy();
      const second = await backend.plant({ name: 'somebodys' });
      await assertRefused(scene, second, 'the instance has a machine');
    }),
  );

  it(
    'adopt refuses a template',
    inScene(setUp, async (scene, t) => {
      const { backend } = scene;
      if (!has(t, backend, 'makeTemplate')) return;
      const template = await backend.plant({ name: 'somebodys' });
      await backend.makeTemplate(template);
      await assertRefused(scene, template, 'it is a template');
    }),
  );

  it(
    'doctor lists the parts that work and the problems, and changes nothing',
    inScene(setUp, async (scene, t) => {
      const { backend, cloud, provider } = scene;
      if (provider.checks === undefined) return t.skip(`${provider.name} checks nothing`);
      await cloud.deploy();
      const before = await backend.machines();
      const healthy = (await examine(scene)) ?? [];
      assertReadable(healthy);
      const failed = healthy.filter(({ state }) => state === 'fail');
      assert.deepEqual(failed, [], 'something fails although everything is well');
      for (const trouble of ['outage', 'withdrawRights'] as const) {
        await backend[trouble](true);
        const ill = (await examine(scene)) ?? [];
        assertReadable(ill);
        assert.notDeepEqual(ill, healthy, `${trouble} is not told`);
        await backend[trouble](false);
      }
      assert.deepEqual(await backend.machines(), before);
    }),
  );
}
