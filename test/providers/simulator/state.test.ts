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
import { describe, it } from 'node:test';
import { admin } from '../../support/payloads.ts';
import { inState, messageOf } from './scene.ts';

describe('the simulator’s state', () => {
  it(
    'the state directory is open to its user alone',
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
      assert.match(messageOf(await cloud.call('statuses')), /ever made/);
      assert.match(messageOf(await cloud.call('status')), /There is no machine/);
      for (const action of ['stop', 'delete']) await cloud.ok(action);
      assert.equal((await cloud.call('statuses')).exitCode, 1);
      const other = cloud.another();
      await cloud.deploy();
      await other.deploy();
      await cloud.ok('delete');
      const { document } = await cloud.ok('statuses');
      assert.deepEqual(document['power_state'], { [other.vm.name]: 'PowerOn' });
    }),
  );

  it(
    'the state directory does not count as empty when its sign is gone',
    inState(async ({ cloud, state, backend }) => {
      await cloud.deploy();
      rmSync(join(state, 'simulator.json'));
      rmSync(join(state, 'machines'), { recursive: true });
      mkdirSync(join(state, 'machines'));
      for (const action of ['status', 'statuses', 'stop', 'delete', 'create']) {
        const done = await cloud.call(action, { caller: admin });
        assert.equal(done.exitCode, 1, action);
        assert.match(messageOf(done), /does not show its machines/);
      }
      assert.deepEqual(await backend.machines(), []);
    }),
  );

  it(
    'a state directory that other users can read is refused',
    inState(async ({ cloud, state }) => {
      chmodSync(state, 0o755);
      assert.match(messageOf(await cloud.call('status')), /0700/);
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
        assert.match(messageOf(await cloud.call('statuses')), /cannot be read/);
        assert.equal(readFileSync(file, 'utf8'), content);
      }),
    );
  }

  it(
    'with a folder in place of a file, or a file in place of the folder, counts nothing as gone',
    inState(async ({ cloud, state }) => {
      await cloud.deploy();
      const machines = join(state, 'machines');
      const file = join(machines, `${(await cloud.machine()).remoteId}.json`);
      rmSync(file);
      mkdirSync(file);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
      assert.match(messageOf(await cloud.call('statuses')), /cannot be read/);
      rmSync(machines, { recursive: true });
      writeFileSync(machines, '');
      for (const action of ['status', 'statuses', 'stop', 'delete']) {
        const told = messageOf(await cloud.call(action, { caller: admin }));
        assert.match(told, /^Could not (list|make) \S+: ENOTDIR\. Look at the disk/);
      }
      rmSync(machines);
      mkdirSync(machines);
    }),
  );

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
    'the next changing action removes a draft that a killed process left a minute before',
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
        assert.match(messageOf(failed), /simulator failed reboot/);
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
        assert.match(messageOf(await cloud.call('status', { host })), /whole number from 0 to/);
      }
    }),
  );

  it(
    'writes down each failure, until that fills too much of the disk',
    inState(async ({ cloud, state }) => {
      const notes = join(state, 'failures.log');
      const fail = async () => {
        const host = { fail_actions: '*', fail_kind: 'denied' };
        assert.match(messageOf(await cloud.call('create', { host })), /simulator failed create/);
        return statSync(notes).size;
      };
      await fail();
      assert.match(readFileSync(notes, 'utf8'), /^2\d{3}-\S+Z create denied\n$/);
      writeFileSync(notes, 'x'.repeat(1_000_001));
      assert.equal(await fail(), 1_000_001);
    }),
  );

  it(
    'a failure script in an instance’s details is ignored',
    inState(async ({ cloud }) => {
      const script = { 'External:fail_actions': '*', 'External:delay_ms': '9999' };
      cloud.change({ details: { ...cloud.vm.details, ...script } });
      await cloud.deploy();
      await cloud.ok('status');
    }),
  );
});
