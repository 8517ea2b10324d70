import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Check } from '../../../src/contract/provider.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { silent } from '../../../src/kit/log.ts';
import { registry } from '../../../src/providers/index.ts';
import { simulator } from '../../../src/providers/simulator/index.ts';
import { admin, type Details, payloadFor } from '../../support/payloads.ts';
import { makePlace } from '../../support/world.ts';
import { inState, messageOf } from './scene.ts';

describe('the simulator’s machines', () => {
  it(
    'machines share the capacity of their node while they run or are being built',
    inState(async ({ cloud }) => {
      const [second, third] = [cloud.another(), cloud.another()];
      third.change({ uuid: '33333333-0e57-4a8b-a8d5-4c4f6d6a7b10', name: 'i-2-44-VM' });
      const host = { capacity_cpus: '4', capacity_memory_gb: '2' };
      await cloud.deploy({ host });
      await second.deploy({ host });
      const full = await third.call('create', { host });
      assert.match(
        messageOf(full),
        /2 CPUs wanted, 0 of 4 free, 1 GiB of memory wanted, 0 of 2 free/,
      );
      await second.ok('stop', { host });
      await third.deploy({ host });
      assert.equal((await second.call('start', { host })).exitCode, 1);
      assert.equal((await second.machine()).power, 'off');
      await second.ok('start', { host: { node: 'sim1', capacity_cpus: '6' } });
    }),
  );

  it(
    'machines take no capacity of another node, whose own capacity is unknown',
    inState(async ({ cloud, backend }) => {
      const second = cloud.another();
      const host = { nodes: 'sim1,sim2', capacity_cpus: '2' };
      await cloud.deploy({ host });
      assert.match(messageOf(await second.call('create', { host })), /0 of 2 free/);
      await backend.move?.((await cloud.machine()).remoteId, 'sim2');
      await second.deploy({ host });
      await cloud.ok('stop', { host });
      await cloud.ok('start', { host });
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  it(
    'get the MAC addresses that prepare handed out, which are its own only where a setting says so',
    inState(async ({ cloud }) => {
      const other = cloud.another();
      const theirs = other.vm.nics.map(({ mac }) => mac);
      await other.deploy();
      assert.deepEqual(
        (await other.machine()).nics.map(({ mac }) => mac),
        theirs,
      );
      const before = cloud.vm.nics.map(({ mac }) => mac);
      await cloud.deploy({ host: { assign_macs: 'true' } });
      const after = (await cloud.machine()).nics.map(({ mac }) => mac);
      assert.deepEqual(
        after,
        cloud.vm.nics.map(({ mac }) => mac),
      );
      for (const [at, mac] of after.entries()) {
        assert.match(mac, /^02(:[0-9a-f]{2}){5}$/);
        assert.notEqual(mac, before[at]);
      }
    }),
  );

  it(
    'are made under the id that prepare handed out, or another when that one is taken',
    inState(async ({ cloud, state }) => {
      await cloud.deploy();
      const { remoteId } = await cloud.machine();
      assert.equal(cloud.vm.details['simulator_id'], remoteId);
      const other = cloud.another();
      other.change({ details: { simulator_id: remoteId } });
      await other.ok('create');
      assert.notEqual((await other.machine()).remoteId, remoteId);
      const hostile = cloud.another();
      hostile.change({ uuid: '33333333-0e57-4a8b-a8d5-4c4f6d6a7b10', name: 'i-2-44-VM' });
      hostile.change({ details: { simulator_id: '../../escaped' } });
      await hostile.ok('create');
      assert.equal(readdirSync(join(state, 'machines')).length, 3);
    }),
  );

  it(
    'are made from templates and never from another machine',
    inState(async ({ cloud, backend }) => {
      const template = await backend.plant({ name: 'golden', template: true });
      const machine = await backend.plant({ name: 'payroll' });
      const choose = (id: string) => cloud.change({ details: { 'External:template_id': id } });
      choose(machine);
      assert.match(messageOf(await cloud.call('create')), /is a machine and no template/);
      choose(template);
      await cloud.ok('create');
    }),
  );

  it(
    'show their addresses',
    inState(async ({ cloud }) => {
      await cloud.deploy();
      const { document } = await cloud.okCustom('GetIpAddresses');
      const { mac } = cloud.vm.nics[0] ?? { mac: '' };
      assert.deepEqual(document['message'], [
        { NIC: 0, 'MAC address': mac, 'IP address': '10.1.1.23' },
      ]);
    }),
  );

  it(
    'the simulator describes a machine to an administrator',
    inState(async ({ cloud }) => {
      await cloud.deploy();
      const { document } = await cloud.okCustom('GetDetails', undefined, { caller: admin });
      const rows = document['message'] as { Property: string; Value: unknown }[];
      const facts = new Map(rows.map(({ Property, Value }) => [Property, Value]));
      assert.equal(facts.get('Machine'), (await cloud.machine()).remoteId);
      assert.equal(facts.get('Template'), 'debian-12');
      assert.equal(facts.get('Disk'), '20 GiB');
    }),
  );
});

describe('the simulator’s settings', () => {
  it('may not contradict each other', async () => {
    const place = makePlace(registry);
    try {
      const vm = { id: 1, uuid: '', name: '', cpus: 1, memoryMb: 1, nics: [], details: {} };
      const extension = { provider: 'simulator' };
      const call = (host: Details) =>
        place.call(
          'statuses',
          payloadFor('statuses', { vm, host: { extension, host }, caller: admin }),
        );
      assert.match(
        messageOf(await call({ node: 'a', nodes: 'b,c' })),
        /has to name .*own "node" \(a\)/,
      );
      const twice = await call({ node: 'a', nodes: 'a,b', other_nodes: 'b,c' });
      assert.match(messageOf(twice), /"nodes" and "other_nodes" both name b/);
    } finally {
      place.remove();
    }
  });
});

describe('the simulator’s checks', () => {
  function look(directory: string, host: Details = {}): Promise<readonly Check[]> {
    const clock = () => performance.now();
    const endMs = clock() + 1_000;
    const settings = { node: 'sim1', delay_ms: 0, slow_task_ms: 0, fail_at: 'start', ...host };
    const context = {
      deadline: createDeadline(clock, { endMs, undoEndMs: endMs }),
      log: silent,
      installation: 'cloud-under-test',
      stateDirectory: () => directory,
    };
    assert.ok(simulator.checks);
    return simulator.checks(settings, context);
  }

  function states(checks: readonly Check[]): Readonly<Record<string, string>> {
    return Object.fromEntries(checks.map(({ name, state }) => [name, state]));
  }

  it(
    'find nothing wrong with a system in order, and change nothing',
    inState(async ({ cloud, state, backend }) => {
      await cloud.deploy();
      const before = await backend.machines();
      const found = states(await look(state));
      assert.deepEqual(found, { state: 'ok', files: 'ok', ownership: 'ok', script: 'ok' });
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'make nothing where nothing was made yet',
    inState(async ({ state }) => {
      rmSync(state, { recursive: true });
      mkdirSync(state);
      assert.equal(states(await look(state))['state'], 'ok');
      assert.deepEqual(readdirSync(state), []);
    }),
  );

  it(
    'find damaged files, machines in doubt and a script that was forgotten',
    inState(async ({ cloud, state, backend }) => {
      await backend.plant({ name: 'i-2-50-VM' });
      await cloud.deploy();
      await backend.damage?.((await cloud.machine()).remoteId);
      const found = states(await look(state, { fail_actions: ['create'] as never }));
      assert.deepEqual(found, { state: 'ok', files: 'fail', ownership: 'warn', script: 'warn' });
    }),
  );

  it(
    'the simulator’s checks say when its machines are hidden',
    inState(async ({ state }) => {
      rmSync(join(state, 'simulator.json'));
      assert.equal(states(await look(state))['state'], 'fail');
    }),
  );
});
