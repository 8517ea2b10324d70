import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileAt, gib } from '../../../fakes/winrm/state.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { silent } from '../../../src/kit/log.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import { installation } from '../../conformance/cloud.ts';
import { failureOf } from '../../support/http-client.ts';
import { admin } from '../../support/payloads.ts';
import type { Done } from '../../support/world.ts';
import { hostDetails } from './backend.ts';
import { oops, scene, settingsOf } from './scene.ts';

describe('custom actions on Hyper-V', () => {
  const hostile = [
    'a b',
    `it's "$(Remove-VM -Name *)" & \`x\``,
    '</rsp:Stream>]]>',
    '; exit 1 #',
    'Prüfpunkt 🦜',
    '*',
    '[a-z]*',
    '%PATH% ^& !x!',
  ];

  test(
    'a checkpoint with any name that was made by other means is listed, restored and removed',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      await cloud.okCustom('CreateSnapshot', { snap_name: 'bystander' });
      for (const name of hostile) {
        await cloud.okCustom('CreateSnapshot', { snap_name: 'plain' });
        const last = vm.checkpoints.pop();
        vm.checkpoints.push({ ...(last as (typeof vm.checkpoints)[0]), name });
        const { document } = await cloud.okCustom('ListSnapshots');
        const rows = document['message'] as { Snapshot: string }[];
        // An answer holds no character that CloudStack's database does not take.
        const shown = name.replace('🦜', '\ufffd');
        assert.ok(
          rows.some((row) => row.Snapshot === shown),
          name,
        );
        await cloud.okCustom('RestoreSnapshot', { snap_name: name });
        await cloud.okCustom('DeleteSnapshot', { snap_name: name });
        assert.deepEqual(
          vm.checkpoints.map((point) => point.name),
          ['bystander'],
          name,
        );
      }
    }),
  );

  test(
    'names that cannot be are refused with a reason and without asking the host',
    scene(async ({ cloud, backend }) => {
      await cloud.ok('create');
      const asked = backend.fake.server.seen.length;
      const bad = ['line\nbreak', 'nul\0', 'half \ud83e', 'x'.repeat(300), '\u2028', ' '];
      for (const name of ['CreateSnapshot', 'RestoreSnapshot', 'DeleteSnapshot']) {
        for (const snap_name of bad) {
          const { exitCode, text } = await cloud.custom(name, { snap_name });
          assert.equal(exitCode, 1);
          assert.match(text, /snap_name\\" must|snap_name.* must/);
        }
      }
      assert.equal(backend.fake.server.seen.length, asked);
    }),
  );

  test(
    'of two snapshots with one name neither is taken',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'twin' });
      const vm = await machine();
      vm.checkpoints.push({ ...(vm.checkpoints[0] as (typeof vm.checkpoints)[0]), id: vm.id });
      for (const name of ['RestoreSnapshot', 'DeleteSnapshot']) {
        const { exitCode, text } = await cloud.custom(name, { snap_name: 'twin' });
        assert.equal(exitCode, 1);
        assert.match(text, /several snapshots/);
      }
    }),
  );

  test(
    'a snapshot with memory is restored with it when nothing else has changed, and without it otherwise',
    scene(async ({ cloud, machine }) => {
      const host = { snapshot_memory: 'true' };
      const parameters = { snap_name: 'warm', snap_save_memory: true };
      await cloud.ok('create');
      const vm = await machine();
      await cloud.okCustom('CreateSnapshot', parameters, { host });
      assert.equal(vm.checkpointType, 'Production', 'the usual kind is put back');
      const { boots } = vm;
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'warm' });
      assert.deepEqual([vm.state, vm.boots], ['Running', boots]);
      await cloud.ok('stop');
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'warm' });
      assert.equal(vm.state, 'Off', 'what was stopped stays stopped');
      const { nics, cpus, memoryMb } = cloud.vm;
      const others = { nics: nics.map((nic) => ({ ...nic, vlan: 2222 })) };
      for (const other of [others, { cpus: cpus + 1 }, { memoryMb: memoryMb * 2 }]) {
        await cloud.ok('stop');
        cloud.change({ nics, cpus, memoryMb, ...other });
        await cloud.ok('start');
        const today = structuredClone(vm);
        await cloud.okCustom('RestoreSnapshot', { snap_name: 'warm' });
        assert.deepEqual([vm.state, vm.boots], ['Running', today.boots + 1]);
        assert.deepEqual(
          [vm.adapters, vm.cpus, vm.memory],
          [today.adapters, today.cpus, today.memory],
        );
      }
    }),
  );

  test(
    'restoring a snapshot from before the machine was adopted keeps the mark',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'old' });
      const vm = await machine();
      for (const { config } of vm.checkpoints) config.notes = 'words of that day';
      const { notes } = vm;
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'old' });
      assert.equal(vm.notes, notes);
    }),
  );

  test(
    'a restore is refused before the power is cut while disks are being merged',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'old' });
      const vm = await machine();
      vm.merging = true;
      const { exitCode, text } = await cloud.custom('RestoreSnapshot', { snap_name: 'old' });
      assert.equal(exitCode, 1);
      assert.match(text, /still being merged/);
      assert.equal(vm.state, 'Running');
    }),
  );

  test(
    'a restore is refused, and the machine left as it is, where an adapter carries what we never set',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'old' });
      const vm = await machine();
      const [adapter] = vm.adapters;
      Object.assign(adapter ?? {}, { mode: 'Trunk', vlan: 0 });
      const { exitCode, text } = await cloud.custom('RestoreSnapshot', { snap_name: 'old' });
      assert.equal(exitCode, 1);
      assert.match(text, /The adapter \S+ is in the VLAN mode Trunk, .*: stop and start/);
      assert.deepEqual([vm.state, adapter?.mode], ['Running', 'Trunk']);
      await cloud.ok('stop');
      await cloud.ok('start');
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'old' });
      assert.equal(adapter?.mode, 'Access');
    }),
  );

  test(
    'a restore that goes wrong puts today’s mark and NICs back all the same and starts nothing',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'old' });
      await cloud.ok('stop');
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2222 })) });
      await cloud.ok('start');
      state.errors.push({ step: 'checkpoint', trouble: oops, done: true });
      const { exitCode, text } = await cloud.custom('RestoreSnapshot', { snap_name: 'old' });
      assert.equal(exitCode, 1);
      assert.match(text, /Snapshot old was not restored, and the instance is stopped now/);
      const vm = await machine();
      assert.equal(vm.state, 'Off');
      assert.deepEqual(
        vm.adapters.map(({ vlan }) => vlan),
        [2222, 2222],
      );
    }),
  );

  test(
    'a restore that runs out of time does so, too, and says that the instance is stopped',
    scene(async ({ cloud, backend, state, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'old' });
      const vm = await machine();
      for (const { config } of vm.checkpoints) config.notes = 'words of that day';
      const { notes } = vm;
      const deadline = createDeadline(() => performance.now(), { endMs: 1e9, undoEndMs: 1e9 });
      const session = verbsOf(hyperv, settingsOf(hostDetails(backend.fake)), {
        ...{ deadline, log: silent, installation, stateDirectory: () => '' },
      });
      const meanwhile = async (): Promise<void> => {
        deadline.cutShort('The time was up', 30_000);
        await new Promise((resolve) => setTimeout(resolve, 100));
      };
      state.errors.push({ step: 'checkpoint', trouble: oops, done: true, meanwhile });
      const { uuid, name } = cloud.vm;
      const instance = { uuid, name, deploying: false, stored: {} };
      const call = { instance, parameters: { snap_name: 'old' }, policy: {}, blueprint: {} };
      const failure = await failureOf(session.run('RestoreSnapshot', call));
      assert.match(
        failure.message,
        /^Snapshot old was not restored.* stopped now: The time was up/,
      );
      assert.deepEqual([vm.notes, vm.state], [notes, 'Off']);
    }),
  );

  test(
    'a snapshot that was made although Hyper-V complained is made',
    scene(async ({ cloud, state }) => {
      await cloud.ok('create');
      state.errors.push({ step: 'checkpoint', trouble: oops, done: true });
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
    }),
  );

  test(
    'addresses are those that the guest reports, without what is none',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const [first] = (await machine()).adapters;
      first?.addresses.push('10.1.1.23', 'fe80::1', '<script>', 'a b');
      const { document } = await cloud.okCustom('GetIpAddresses');
      const mac = cloud.vm.nics[0]?.mac;
      assert.deepEqual(document['message'], [
        { NIC: 'NIC 0', 'MAC address': mac, 'IP address': '10.1.1.23' },
        { NIC: 'NIC 0', 'MAC address': mac, 'IP address': 'fe80::1' },
      ]);
      state.adaptersReversed = true;
      const again = await cloud.okCustom('GetIpAddresses');
      assert.deepEqual(again.document['message'], document['message'], 'in any order');
    }),
  );

  test(
    'an instance whose storage is lost is not reported as suspended',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      (await machine()).state = 'RunningCritical';
      assert.equal((await cloud.custom('Suspend', undefined, { caller: admin })).exitCode, 1);
      (await machine()).state = 'Off';
    }),
  );

  test(
    'a disk grows within its limit, never shrinks, and not with snapshots',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const { path = '' } = (await machine()).drives[0] ?? {};
      const resize = (size_gb: number, host = {}): Promise<Done> =>
        cloud.custom('ResizeDisk', { size_gb }, { caller: admin, host });
      assert.equal((await resize(50)).exitCode, 0);
      assert.equal(fileAt(state, path)?.size, 50 * gib);
      assert.match((await resize(40)).text, /cannot be made smaller/);
      assert.match((await resize(60, { max_disk_gb: '55' })).text, /55 GiB at most/);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      assert.match((await resize(60)).text, /delete them first/);
      const vm = await machine();
      vm.checkpoints.length = 0;
      vm.merging = true;
      assert.match((await resize(60)).text, /still being merged/);
    }),
  );

  test(
    'a disk of generation 1 grows only while the machine is stopped',
    scene(async ({ cloud, choose }) => {
      choose({ generation: '1' });
      await cloud.ok('create');
      const resize = (): Promise<Done> =>
        cloud.custom('ResizeDisk', { size_gb: 50 }, { caller: admin });
      assert.match((await resize()).text, /only while it is stopped/);
      await cloud.ok('stop');
      assert.equal((await resize()).exitCode, 0);
    }),
  );

  test(
    'an image goes into the drive and comes out again, where it is allowed',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      const iso_path = 'D:\\ISO\\debian-12.iso';
      const as = { caller: admin };
      await cloud.okCustom('AttachIso', { iso_path }, as);
      assert.deepEqual((await machine()).media, [iso_path]);
      await cloud.okCustom('DetachIso', undefined, as);
      assert.deepEqual((await machine()).media, ['']);
      for (const bad of ['D:\\ISO\\no.iso', '\\\\evil\\x\\y.iso', 'D:\\x.vhdx']) {
        assert.equal((await cloud.custom('AttachIso', { iso_path: bad }, as)).exitCode, 1, bad);
      }
    }),
  );

  test(
    'a console is clearly not offered, unless the operator has one of his own',
    scene(async ({ cloud, backend }) => {
      const { exitCode, text } = await cloud.call('getconsole');
      assert.equal(exitCode, 1);
      assert.match(text, /console of this instance is not offered here/);
      assert.equal(backend.fake.server.seen.length, 0);
    }),
  );
});
