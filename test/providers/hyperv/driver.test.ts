import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostState, newMachine } from '../../../fakes/winrm/state.ts';
import { silent } from '../../../src/kit/log.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { powerOf } from '../../../src/lifecycle/power.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import { stateOf } from '../../../src/providers/hyperv/machine/state.ts';
import { type Cloud, installation } from '../../conformance/cloud.ts';
import { markOf } from '../../conformance/machine.ts';
import { deadlineIn, failureOf } from '../../support/http-client.ts';
import { admin, system } from '../../support/payloads.ts';
import { type HyperVBackend, hostDetails } from './backend.ts';
import { type Scene, scene, settingsOf, word } from './scene.ts';

async function adopt({ backend, cloud }: Pick<Scene, 'backend' | 'cloud'>, remoteId: string) {
  const session = verbsOf(hyperv, settingsOf(hostDetails(backend.fake)), {
    ...{ deadline: deadlineIn(10_000), log: silent, installation, stateDirectory: () => '' },
  });
  const { uuid, name } = cloud.vm;
  await session.adopt(remoteId, { uuid, name, deploying: false, stored: {} });
}

/** Writes other notes on every machine of the host just before our mark is to be written, once. */
function writtenFirst({ fake }: HyperVBackend, state: HostState, notes: (id: string) => string) {
  fake.disturb((step) => {
    if (step !== 'notes') return undefined;
    fake.disturb(undefined);
    for (const machine of state.machines.values()) machine.notes = notes(machine.id);
    return undefined;
  });
}

const otherMark = (cloud: Cloud) => (id: string) =>
  writeMark({ ...markOf(cloud)(id), uuid: cloud.vm.uuid.replace(/.$/, 'f'), name: 'i-2-99-VM' });

test('each of Hyper-V’s machine states maps to a state of the contract, and a new one to unknown', () => {
  for (const [given, state, reported] of [
    ['Running', 'on', 'on'],
    ['RunningCritical', 'paused', 'on'],
    ['Paused', 'paused', 'on'],
    ['PausedCritical', 'paused', 'on'],
    ['Off', 'off', 'off'],
    ['OffCritical', 'unknown', 'unknown'],
    ['Saved', 'saved', 'unknown'],
    ['FastSaved', 'saved', 'unknown'],
    ['SavedCritical', 'saved', 'unknown'],
    ['Starting', 'unknown', 'unknown'],
    ['Stopping', 'unknown', 'unknown'],
    ['SomethingNew', 'unknown', 'unknown'],
  ] as const) {
    assert.deepEqual([stateOf(given), powerOf(stateOf(given))], [state, reported], given);
  }
});

test(
  'a machine that another installation marks while it is being adopted keeps that mark',
  scene(async (played) => {
    const { backend, cloud, state } = played;
    const id = await backend.plant({ name: cloud.vm.name, power: 'on' });
    writtenFirst(backend, state, otherMark(cloud));
    const failure = await failureOf(adopt(played, id));
    assert.equal(failure.kind, 'conflict');
    assert.match(failure.message, /was changed while i-2-42-VM was marked on it/);
    assert.equal(state.machines.get(id)?.notes, otherMark(cloud)(id));
  }),
);

test(
  'a machine whose mark becomes another instance’s while its create finishes is left, and made anew',
  scene(async ({ backend, cloud, state }) => {
    writtenFirst(backend, state, otherMark(cloud));
    await cloud.ok('create');
    const other = [...state.machines.values()].find(({ notes }) => notes.includes('i-2-99-VM'));
    assert.equal(other?.state, 'Running', 'it is the other instance’s to stop');
    assert.equal(state.machines.size, 2);
    assert.equal(word(await cloud.ok('status')), 'PowerOn');
  }),
);

test(
  'delete of an adopted machine fails, and keeps its mark, when that was changed meanwhile',
  scene(async (played) => {
    const { backend, cloud, state } = played;
    const id = await backend.plant({ name: cloud.vm.name, power: 'off' });
    await adopt(played, id);
    writtenFirst(backend, state, otherMark(cloud));
    const { exitCode, text } = await cloud.call('delete', { caller: admin });
    assert.equal(exitCode, 1);
    assert.match(text, /was changed while/);
    assert.equal(state.machines.get(id)?.notes, otherMark(cloud)(id));
  }),
);

test(
  'no machine is adopted for an instance whose replica is on the host',
  scene(async (played) => {
    const { cloud, state } = played;
    await cloud.ok('create');
    const { remoteId } = await cloud.machine();
    Object.assign(state.machines.get(remoteId) ?? {}, { replication: 'Replica' });
    const free = newMachine({ name: cloud.vm.name });
    state.machines.set(free.id, free);
    assert.match((await failureOf(adopt(played, free.id))).message, /has machine .* already/);
    assert.equal(free.notes, '');
    Object.assign(state.machines.get(remoteId) ?? {}, { replication: 'None' });
    state.machines.delete(free.id);
  }),
);

test(
  'the guest of a machine that lost its storage is halted, and a stop does not wait for it',
  scene(async ({ cloud, machine }) => {
    await cloud.ok('create');
    const vm = await machine();
    vm.state = 'RunningCritical';
    const startedMs = performance.now();
    await cloud.ok('stop', {
      ...{ state: 'Stopping', caller: system },
      ...{ host: { grace_seconds: '60' }, timeoutSeconds: 120 },
    });
    assert.ok(performance.now() - startedMs < 30_000);
    assert.equal(vm.state, 'Off');
  }),
);
