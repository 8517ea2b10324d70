import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verbs } from '../../src/lifecycle/index.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, plantStranger } from './subject.ts';

const verbs: Readonly<Record<string, (session: Verbs) => Promise<unknown> | undefined>> = {
  prepare: (verbs) => verbs.prepare(instance, {}),
  create: (verbs) => verbs.create(instance, {}),
  start: (verbs) => verbs.start(instance, {}),
  stop: (verbs) => verbs.stop(instance, 'hard'),
  reboot: (verbs) => verbs.reboot(instance),
  delete: (verbs) => verbs.delete(instance),
  power: (verbs) => verbs.power(instance),
  console: (verbs) => verbs.console(instance),
};

describe('a driver that gives another instance’s machine for the instance’s own', () => {
  for (const [name, run] of Object.entries(verbs)) {
    it(`is refused by ${name}, and the other machine stays as it was`, async () => {
      const world = new World();
      const stranger = plantStranger(world);
      world.replaced = {
        find: async () => ({ kind: 'own', machine: stranger }),
      };
      const failure = await failureOf(Promise.resolve(run(verbsIn(world))));
      assert.equal(failure.kind, 'internal');
      assert.match(failure.message, /gave machine 1 for i-2-42-VM, but its mark/);
      assert.match(failure.advice ?? '', /nothing was changed/);
      assert.deepEqual([world.read(stranger.remoteId), world.calls], [stranger, []]);
    });
  }

  it('is refused when it makes one', async () => {
    const world = new World();
    const stranger = plantStranger(world, { state: 'off' });
    world.replaced = { make: async () => stranger };
    const failure = await failureOf(verbsIn(world).create(instance, {}));
    assert.equal(failure.kind, 'internal');
    assert.deepEqual([world.read(stranger.remoteId), world.calls], [stranger, []]);
  });
});

describe('a driver', () => {
  it('is closed once after a success and once after a failure', async () => {
    for (const list of [async () => [], async () => Promise.reject(new Error('broken'))]) {
      const world = new World();
      let closed = 0;
      world.replaced = {
        list,
        close: () => {
          closed += 1;
        },
      };
      await verbsIn(world)
        .stop(instance, 'hard')
        .catch(() => undefined);
      assert.equal(closed, 1);
    }
  });

  it('that cannot be closed changes nothing about what was done, and the log tells it', async () => {
    const world = new World();
    const broken = new Error('broken');
    world.replaced = { close: () => Promise.reject(new TypeError('the pipe is closed')) };
    await verbsIn(world).stop(instance, 'hard');
    assert.deepEqual(world.log, ['stop.missing', 'driver.close-failed']);
    world.replaced = { ...world.replaced, list: () => Promise.reject(broken) };
    await assert.rejects(verbsIn(world).stop(instance, 'hard'), broken);
  });

  it('with a programmer’s mistake in it fails with that mistake, not as a remote system’s trouble', async () => {
    const world = new World();
    world.replaced = { list: async () => Promise.reject(new TypeError('x is undefined')) };
    await assert.rejects(verbsIn(world).power(instance), TypeError);
  });
});

describe('a console', () => {
  it('is refused with a sentence for the tenant where the driver has none', async () => {
    const world = new World();
    world.without = ['console'];
    const failure = await failureOf(verbsIn(world).console(instance));
    assert.deepEqual(
      [failure.kind, failure.tenant],
      ['unsupported', 'This provider offers no console'],
    );
  });
});
