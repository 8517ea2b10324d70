import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readMark } from '../../src/lifecycle/mark.ts';
import type { RemoteMachine, SetUp } from './backend.ts';
import { forGood, once } from './break.ts';
import type { Cloud } from './cloud.ts';
import { assertHardware, markOf } from './machine.ts';
import { atEveryChange, own, type Struck } from './strike.ts';

export function brokenCases(setUp: SetUp): void {
  it(
    'the stop after a create that is killed at any change removes everything it left',
    atEveryChange(setUp, {
      action: 'create',
      breaks: [forGood],
      async after(struck) {
        await assertPartial(struck);
        await struck.cloud.ok('stop', { state: 'Starting', deploying: true });
        await soon(async () => {
          const left = await own(struck);
          // Only a create that had come to its end has made the instance's machine.
          for (const machine of left) assertBuilt(struck, machine, 'off');
          assert.ok(left.length <= 1);
        });
        await assertDeletable(struck);
      },
    }),
  );

  it(
    'a create that is killed at any change is settled by the next one, with one machine that runs',
    atEveryChange(setUp, {
      action: 'create',
      breaks: [forGood],
      async after(struck) {
        await assertPartial(struck);
        await struck.cloud.ok('create');
        await soon(() => assertOneThatRuns(struck));
        await assertDeletable(struck);
      },
    }),
  );

  it(
    'a create from which one request or answer gets lost succeeds, or fails and leaves nothing behind',
    atEveryChange(setUp, {
      action: 'create',
      breaks: [once],
      async after(struck) {
        if (struck.succeeded) await soon(() => assertOneThatRuns(struck));
        else await soon(() => assertUndone(struck));
        await struck.cloud.ok('create');
        await soon(() => assertOneThatRuns(struck));
      },
    }),
  );

  it(
    'a delete that breaks off at any change is finished by the next one',
    atEveryChange(setUp, {
      action: 'delete',
      breaks: [forGood, once],
      first: (cloud) => cloud.deploy(),
      async after(struck) {
        if (struck.succeeded) await soon(() => assertGone(struck));
        await assertDeletable(struck);
      },
    }),
  );

  it(
    'a start that breaks off at any change is finished by the next one',
    atEveryChange(setUp, {
      action: 'start',
      breaks: [forGood, once],
      first: stopAndChange,
      async after(struck) {
        const { cloud, succeeded } = struck;
        if (succeeded) await assertOneThatRuns(struck);
        await cloud.ok('start');
        await assertOneThatRuns(struck);
        await cloud.ok('stop');
        assert.equal((await cloud.machine()).power, 'off');
      },
    }),
  );
}

/** So that there is something to change before the power comes on. */
async function stopAndChange(cloud: Cloud): Promise<void> {
  await cloud.deploy();
  await cloud.ok('stop');
  const nics = cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2100 + nic.deviceId }));
  cloud.change({ cpus: 3, memoryMb: 3072, nics });
}

/** A machine that a create left may be removed, since it says so, or is complete. */
async function assertPartial(struck: Struck): Promise<void> {
  for (const machine of await own(struck)) {
    const mark = readMark(machine.mark);
    const isBuilding = typeof mark === 'object' ? mark.state === 'building' : machine.mark === '';
    if (!isBuilding) assertBuilt(struck, machine, 'on');
  }
}

function assertBuilt(
  { cloud }: Struck,
  machine: RemoteMachine,
  power: RemoteMachine['power'],
): void {
  assert.deepEqual(readMark(machine.mark), markOf(cloud)(machine.remoteId));
  assert.equal(machine.power, power);
  assertHardware(machine, cloud);
}

async function assertOneThatRuns(struck: Struck): Promise<void> {
  const [machine, ...more] = await own(struck);
  assert.ok(machine !== undefined && more.length === 0, 'there has to be one machine');
  assertBuilt(struck, machine, 'on');
}

async function assertGone(struck: Struck): Promise<void> {
  assert.deepEqual(await own(struck), [], 'something is left');
}

/** As gone; what is finished was no longer undo's to remove. */
async function assertUndone(struck: Struck): Promise<void> {
  const marks = (await own(struck)).map(({ mark }) => readMark(mark));
  const isBuilt = marks.some((mark) => typeof mark === 'object' && mark.state === 'built');
  assert.ok(!isBuilt, 'create failed although it had written `built`: repeat that request');
  await assertGone(struck);
}

async function assertDeletable(struck: Struck): Promise<void> {
  await struck.cloud.ok('delete');
  await soon(() => assertGone(struck));
  await struck.cloud.ok('delete');
}

/** Waits a moment for work that the system does by itself, such as freeing a machine. */
async function soon(check: () => Promise<void>): Promise<void> {
  const endMs = performance.now() + 3_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
