import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import type { FakeMaas } from '../../../fakes/maas/server.ts';
import { readMark, writeMark } from '../../../src/lifecycle/mark.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { inMaas } from './scene.ts';

/** The machine was released and another instance has it, installed by now or not. */
function handOver(machine: FakeMachine, { vm }: Cloud, status: FakeMachine['status']): void {
  const mark = readMark(machine.annotations['outrigger'] ?? '');
  assert.ok(typeof mark === 'object');
  const theirs = writeMark({ ...mark, uuid: vm.uuid, name: vm.name });
  Object.assign(machine, { status, agentName: vm.uuid, annotations: { outrigger: theirs } });
}

/** Does something once, right before the fake serves the first request of this kind. */
function before(fake: FakeMaas, kind: string, act: () => void): void {
  let done = false;
  fake.disturb(({ method, op }) => {
    if (!done && kind === `${method} ${op}`) {
      done = true;
      act();
    }
    return undefined;
  });
}

const orders = ({ seen }: FakeMaas, op: string): number =>
  seen.filter((request) => request.op === op).length;

describe('a machine that is another instance’s before an action on it has ended', () => {
  for (const status of ['deploying', 'deployed', 'failed_deployment'] as const) {
    it(
      `is not taken for the one that create has ordered (${status})`,
      inMaas({ ready: 1, timings: { deployMs: 60_000 } }, async ({ cloud, fake }) => {
        const [machine] = [...fake.world.machines.values()] as [FakeMachine];
        const other = cloud.another();
        before(fake, 'POST deploy', () => {
          before(fake, 'GET ', () => handOver(machine, other, status));
        });
        const { exitCode, text } = await cloud.call('create', { caller: admin });
        assert.equal(exitCode, 1);
        assert.match(text, /No machine of MAAS is free and fit/, 'another one is looked for');
        assert.match(cloud.allOutput(), /is no longer the one of i-2-42-VM/);
        const mark = readMark(machine.annotations['outrigger'] ?? '');
        assert.equal(typeof mark === 'object' && mark.uuid, other.vm.uuid);
        assert.deepEqual([machine.status, orders(fake, 'release')], [status, 0]);
      }),
    );
  }

  for (const [action, op] of [
    ['delete', 'release'],
    ['stop', 'power_off'],
  ] as const) {
    it(
      `is left alone by a ${action} that MAAS was too busy for at first`,
      inMaas({}, async ({ cloud, fake, own }) => {
        await cloud.deploy();
        const machine = own();
        fake.disturb((request) => {
          if (request.op !== op) return undefined;
          handOver(machine, cloud.another(), 'deployed');
          return plain(503, 'busy');
        });
        const { exitCode, text } = await cloud.call(action, { caller: admin });
        // The machine that another instance has now was released properly before.
        assert.equal(exitCode, action === 'delete' ? 0 : 1, text);
        if (action === 'stop') assert.match(text, /is no longer the one of i-2-42-VM/);
        assert.deepEqual([machine.status, machine.powered], ['deployed', true]);
        assert.equal(orders(fake, op), 1);
      }),
    );
  }

  it(
    'keeps its power when the guest of the first one did not listen',
    inMaas({ host: { grace_seconds: '1' } }, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      const machine = own();
      machine.deaf = true;
      before(fake, 'POST power_off', () => {
        before(fake, 'GET query_power_state', () => handOver(machine, cloud.another(), 'deployed'));
      });
      const { exitCode, text } = await cloud.call('stop', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /is no longer the one of i-2-42-VM/);
      assert.deepEqual([machine.powered, orders(fake, 'power_off')], [true, 1]);
    }),
  );

  it(
    'is not switched on by the reboot of the first one, which would install it',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      const machine = own();
      before(fake, 'POST power_off', () => {
        before(fake, 'GET query_power_state', () => {
          handOver(machine, cloud.another(), 'allocated');
          machine.powered = false;
        });
      });
      assert.equal((await cloud.call('reboot')).exitCode, 1);
      assert.deepEqual([machine.status, orders(fake, 'power_on')], ['allocated', 0]);
    }),
  );

  it(
    'is not switched off by a stop that waited for the end of an installation',
    inMaas({ timings: { deployMs: 300 } }, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      const machine = own();
      fake.world.life.deploy(machine);
      let looks = 0;
      fake.disturb(({ method, op }) => {
        looks += Number(method === 'GET' && op === '');
        if (looks === 2) handOver(machine, cloud.another(), 'deployed');
        return undefined;
      });
      const { exitCode } = await cloud.call('stop', { timeoutSeconds: 5 });
      assert.equal(exitCode, 1);
      assert.equal(orders(fake, 'power_off'), 0);
    }),
  );
});
