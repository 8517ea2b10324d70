import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createDeadline } from '../../src/kit/deadline.ts';
import { silent } from '../../src/kit/log.ts';
import type { Check } from '../../src/provider.ts';
import { registry } from '../../src/providers/index.ts';
import { simulator } from '../../src/providers/simulator/index.ts';
import { type Done, makePlace, type Place } from '../cloudstack/world.ts';
import type { Backend } from './conformance-backend.ts';
import { inScene, type Scene } from './conformance-cloud.ts';
import { admin, type Details, payloadFor } from './payloads.ts';
import { simulatorBackend, stateOf } from './simulator-backend.ts';

/** A case with the simulator's directory at hand. */
function inState(
  play: (scene: Scene & { readonly state: string }, t: TestContext) => Promise<void>,
): (t: TestContext) => Promise<void> {
  let state = '';
  const setUp = (place: Place): Promise<Backend> => {
    state = stateOf(place);
    return simulatorBackend(place);
  };
  return inScene(setUp, (scene, t) => play({ ...scene, state }, t));
}

function said({ text }: Done): string {
  return (JSON.parse(text) as { error?: string }).error ?? '';
}

describe('the simulator’s state', () => {
  it(
    'belongs to its user alone',
    inState(async ({ cloud, state }) => {
      rmSync(state, { recursive: true });
      await cloud.deploy();
      for (const folder of ['', 'machines', 'locks']) {
        assert.equal(statSync(join(state, folder)).mode & 0o777, 0o700, folder);
      }
      const files = readdirSync(join(state, 'machines'));
      assert.equal(files.length, 1);
      for (const file of [`machines/${files[0]}`, 'simulator.json']) {
        assert.equal(statSync(join(state, file)).mode & 0o777, 0o600, file);
      }
    }),
  );

  it(
    'where nothing was ever made holds no machine, and is no reason to report others as gone',
    inState(async ({ cloud, state }) => {
      rmSync(state, { recursive: true });
      assert.match(said(await cloud.call('statuses')), /ever made/);
      assert.match(said(await cloud.call('status')), /There is no machine/);
      for (const action of ['stop', 'delete']) await cloud.ok(action);
      assert.equal((await cloud.call('statuses')).exitCode, 1);
      await cloud.deploy();
      await cloud.ok('delete');
      assert.deepEqual((await cloud.ok('statuses')).document['power_state'], {});
    }),
  );

  it(
    'does not count as empty when its sign is gone',
    inState(async ({ cloud, state, backend }) => {
      await cloud.deploy();
      rmSync(join(state, 'simulator.json'));
      rmSync(join(state, 'machines'), { recursive: true });
      mkdirSync(join(state, 'machines'));
      for (const action of ['status', 'statuses', 'stop', 'delete', 'create']) {
        const done = await cloud.call(action, { caller: admin });
        assert.equal(done.exitCode, 1, action);
        assert.match(said(done), /does not show its machines/);
      }
      assert.deepEqual(await backend.machines(), []);
    }),
  );

  it(
    'that others can look into is refused',
    inState(async ({ cloud, state }) => {
      chmodSync(state, 0o755);
      assert.match(said(await cloud.call('status')), /0700/);
    }),
  );

  const damages: Readonly<Record<string, (text: string) => string>> = {
    empty: () => '',
    'cut off': (text) => text.slice(0, -20),
    'of another shape': () => '{ "name": "i-2-42-VM" }',
    'no object': () => 'null',
    'with a power that does not exist': (text) => text.replace('"power": "on"', '"power": "ON"'),
    'with a NIC that is none': (text) => text.replace('"nics": [', '"nics": [null,'),
    'with a snapshot that is none': (text) => text.replace('"snapshots": []', '"snapshots": [7]'),
    'full of other bytes': () => '\u0000\u0001\ufffd',
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(
      `with a machine's file ${what} takes nothing for off or gone`,
      inState(async ({ cloud, state, backend }) => {
        await cloud.deploy();
        const file = join(state, 'machines', `${(await cloud.machine()).remoteId}.json`);
        const content = damage(readFileSync(file, 'utf8'));
        writeFileSync(file, content);
        // Neither with the stored id nor without it is the instance proved missing.
        for (const details of [cloud.vm.details, backend.chosen]) {
          cloud.change({ details });
          const status = await cloud.ok('status');
          assert.equal(status.document['power_state'], 'PowerUnknown');
          for (const action of ['stop', 'delete', 'create', 'start', 'reboot']) {
            assert.equal((await cloud.call(action)).exitCode, 1, action);
          }
        }
        assert.match(said(await cloud.call('statuses')), /damaged/);
        assert.equal(readFileSync(file, 'utf8'), content);
      }),
    );
  }

  it(
    'ignores what a process left that was killed while it wrote',
    inState(async ({ cloud, state }) => {
      await cloud.deploy();
      const { remoteId } = await cloud.machine();
      writeFileSync(join(state, 'machines', `.${remoteId}.draft`), '{ "na');
      await cloud.ok('stop');
      assert.deepEqual((await cloud.ok('statuses')).document['power_state'], {
        [cloud.vm.name]: 'PowerOff',
      });
    }),
  );

  it(
    'is rid of such a draft a minute later, whichever action changes something then',
    inState(async ({ cloud, state }) => {
      const draft = (id: string) => join(state, 'machines', `.${id}.draft`);
      for (const id of ['sim-killed', 'sim-written-now']) writeFileSync(draft(id), '{ "na');
      const longAgo = Date.now() / 1000 - 61;
      await cloud.deploy();
      const { remoteId } = await cloud.machine();
      for (const old of [draft('sim-killed'), join(state, 'machines', `${remoteId}.json`)]) {
        utimesSync(old, longAgo, longAgo);
      }
      await cloud.call('status');
      assert.ok(existsSync(draft('sim-killed')), 'looking changes nothing');
      await cloud.another().ok('stop');
      assert.equal((await cloud.machine()).remoteId, remoteId);
      assert.ok(!existsSync(draft('sim-killed')));
      assert.ok(existsSync(draft('sim-written-now')), 'another process may be writing it');
    }),
  );

  it(
    'keeps no lock when an action is over, whether it succeeded or failed',
    inState(async ({ cloud, state }) => {
      await cloud.deploy();
      await cloud.call('start', { host: { fail_actions: 'start' } });
      await cloud.call('stop', { host: { fail_actions: 'stop', fail_at: 'task' } });
      await cloud.call('stop', { host: { slow_task_ms: '60000' }, timeoutSeconds: 1 });
      assert.deepEqual(readdirSync(join(state, 'locks')), []);
    }),
  );
});

describe('the simulator’s script', () => {
  for (const kind of ['unreachable', 'denied', 'timeout', 'upstream']) {
    it(
      `lets an action fail as ${kind}, and only the action that is named`,
      inState(async ({ cloud }) => {
        await cloud.deploy();
        const host = { fail_actions: 'reboot', fail_kind: kind };
        const failed = await cloud.call('reboot', { host, caller: admin });
        assert.match(said(failed), /simulator failed reboot/);
        await cloud.ok('stop', { host });
      }),
    );
  }

  it(
    'knows custom actions by name too',
    inState(async ({ cloud }) => {
      await cloud.deploy();
      const host = { fail_actions: 'ListSnapshots' };
      assert.equal((await cloud.custom('ListSnapshots', undefined, { host })).exitCode, 1);
      await cloud.okCustom('GetIpAddresses', undefined, { host });
    }),
  );

  it(
    'waits for the scripted delay and no longer than its cap allows',
    inState(async ({ cloud }) => {
      await cloud.deploy();
      const startedMs = performance.now();
      await cloud.ok('status', { host: { delay_ms: '120' } });
      assert.ok(performance.now() - startedMs >= 115);
      for (const host of [{ delay_ms: '10001' }, { slow_task_ms: '60001' }]) {
        assert.match(said(await cloud.call('status', { host })), /whole number from 0 to/);
      }
    }),
  );

  it(
    'is not listened to when an instance writes it',
    inState(async ({ cloud }) => {
      const script = { 'External:fail_actions': '*', 'External:delay_ms': '9999' };
      cloud.change({ details: { ...cloud.vm.details, ...script } });
      await cloud.deploy();
      await cloud.ok('status');
    }),
  );
});

describe('the simulator’s machines', () => {
  it(
    'share the room of their node while they run or are being built',
    inState(async ({ cloud }) => {
      const [second, third] = [cloud.another(), cloud.another()];
      third.change({ uuid: '33333333-0e57-4a8b-a8d5-4c4f6d6a7b10', name: 'i-2-44-VM' });
      const host = { capacity_cpus: '4', capacity_memory_gb: '2' };
      await cloud.deploy({ host });
      await second.deploy({ host });
      const full = await third.call('create', { host });
      assert.match(said(full), /2 CPUs wanted, 0 of 4 free, 1 GiB of memory wanted, 0 of 2 free/);
      await second.ok('stop', { host });
      await third.deploy({ host });
      assert.equal((await second.call('start', { host })).exitCode, 1);
      assert.equal((await second.machine()).power, 'off');
      await second.ok('start', { host: { node: 'sim1', capacity_cpus: '6' } });
    }),
  );

  it(
    'get the MAC addresses that prepare handed out',
    inState(async ({ cloud }) => {
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
      assert.match(said(await cloud.call('create')), /is a machine and no template/);
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
      assert.deepEqual(document['message'], [{ nic: 0, mac, address: '10.1.1.23' }]);
    }),
  );

  it(
    'are described to an administrator',
    inState(async ({ cloud }) => {
      await cloud.deploy();
      const { document } = await cloud.okCustom('GetDetails', undefined, { caller: admin });
      const [row] = document['message'] as Details[];
      assert.equal(row?.['remoteId'], (await cloud.machine()).remoteId);
      assert.equal(row?.['templateId'], 'debian-12');
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
      assert.match(said(await call({ node: 'a', nodes: 'b,c' })), /has to name .*own "node" \(a\)/);
      const twice = await call({ node: 'a', nodes: 'a,b', other_nodes: 'b,c' });
      assert.match(said(twice), /"nodes" and "other_nodes" both name b/);
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
    'say when nothing can be seen',
    inState(async ({ state }) => {
      rmSync(join(state, 'simulator.json'));
      assert.equal(states(await look(state))['state'], 'fail');
    }),
  );
});
