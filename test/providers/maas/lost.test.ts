import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import type { Fault } from '../../../fakes/maas/gate.ts';
import { inMaas, type MaasScene } from './scene.ts';

const late = plain(504, 'Gateway Time-out');

/** Lets the first order of this kind fail. */
function loseFirst({ fake }: MaasScene, op: string, fault: () => Fault): void {
  let lost = false;
  fake.disturb((request) => {
    if (lost || request.op !== op) return undefined;
    lost = true;
    return fault();
  });
}

const orders = ({ fake }: MaasScene, op: string): number =>
  fake.seen.filter((request) => request.op === op).length;

describe('an order for a deployment whose answer is lost', () => {
  it(
    'is given once where it was carried out',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      loseFirst(scene, 'deploy', () => {
        fake.world.life.deploy(own());
        return late;
      });
      await cloud.deploy();
      assert.equal(own().status, 'deployed');
      assert.equal(orders(scene, 'deploy'), 1);
    }),
  );

  for (const fault of ['lost-request', late] as const) {
    it(
      `is given again where it was not (${fault === late ? 'a 504' : fault})`,
      inMaas({}, async (scene) => {
        loseFirst(scene, 'deploy', () => fault);
        await scene.cloud.deploy();
        assert.equal(scene.own().status, 'deployed');
        assert.equal(orders(scene, 'deploy'), 2);
      }),
    );
  }

  it(
    'is given three times and no more, and the machine is released',
    inMaas({ ready: 1 }, async (scene) => {
      scene.fake.disturb(({ op }) => (op === 'deploy' ? late : undefined));
      const { exitCode, text } = await scene.cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /did not finish in time to deploy machine/);
      assert.equal(orders(scene, 'deploy'), 3);
      assert.deepEqual(scene.owned(), []);
    }),
  );
});

describe('an order for a deployment that is refused', () => {
  it(
    'because the system is being installed already is as good as accepted',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      loseFirst(scene, 'deploy', () => {
        fake.world.life.deploy(own());
        return plain(409, "Can't deploy a machine that is in the 'Deploying' state");
      });
      await cloud.deploy();
      assert.equal(own().status, 'deployed');
    }),
  );

  it(
    'for another reason fails with that reason',
    inMaas({ ready: 1 }, async (scene) => {
      scene.fake.disturb(({ op }) => (op === 'deploy' ? plain(409, 'no storage') : undefined));
      const { exitCode, text } = await scene.cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /will not deploy machine \w+: no storage/);
      assert.equal(orders(scene, 'deploy'), 1);
      assert.deepEqual(scene.owned(), []);
    }),
  );
});

describe('an order about power whose answer is lost', () => {
  for (const fault of ['lost-answer', 'lost-request', late] as const) {
    it(
      `is settled by what the machine does (${fault === late ? 'a 504' : fault})`,
      inMaas({}, async (scene) => {
        const { cloud, own } = scene;
        await cloud.deploy();
        loseFirst(scene, 'power_off', () => fault);
        await cloud.ok('stop');
        assert.equal(own().powered, false);
        loseFirst(scene, 'power_on', () => fault);
        await cloud.ok('start');
        assert.equal(own().powered, true);
      }),
    );
  }

  it(
    'is given again to a machine whose installation a stop had waited for',
    inMaas({ timings: { deployMs: 200 } }, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      fake.world.life.deploy(own());
      loseFirst(scene, 'power_off', () => 'lost-request');
      await cloud.ok('stop', { state: 'Running', timeoutSeconds: 10 });
      assert.deepEqual([own().status, own().powered], ['deployed', false]);
    }),
  );
});

describe('an order for a release whose answer is lost', () => {
  it(
    'is given again, and not any more once the machine is on its way',
    inMaas({ timings: { releaseMs: 3_000 } }, async (scene) => {
      await scene.cloud.deploy();
      loseFirst(scene, 'release', () => 'lost-request');
      await scene.cloud.ok('delete');
      assert.equal(orders(scene, 'release'), 2);
      assert.deepEqual(
        scene.owned().map(({ status }) => status),
        ['releasing'],
      );
    }),
  );

  it(
    'is not given again where it was carried out',
    inMaas({ timings: { releaseMs: 3_000 } }, async (scene) => {
      await scene.cloud.deploy();
      loseFirst(scene, 'release', () => 'lost-answer');
      await scene.cloud.ok('delete');
      assert.equal(orders(scene, 'release'), 1);
    }),
  );
});
