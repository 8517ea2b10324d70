import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Adapter,
  fileAt,
  gib,
  type HostState,
  type Machine,
  newMachine,
  put,
} from '../../../fakes/winrm/state.ts';
import { readMark } from '../../../src/lifecycle/mark.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { markOf } from '../../conformance/machine.ts';
import { admin, system } from '../../support/payloads.ts';
import type { Done } from '../../support/world.ts';
import { type HyperVBackend, orphansOf } from './backend.ts';
import { oops, scene, word } from './scene.ts';

describe('a machine on Hyper-V', () => {
  test(
    'a machine in a cluster is not touched, and its state is reported',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      (await machine()).clustered = true;
      state.cluster.member = true;
      for (const action of ['stop', 'start', 'delete', 'reboot', 'create']) {
        const { exitCode, text } = await cloud.call(action, { caller: admin });
        assert.equal(exitCode, 1, action);
        assert.match(text, /cluster/);
      }
      assert.equal((await machine()).state, 'Running');
      assert.equal(word(await cloud.ok('status')), 'PowerOn');
    }),
  );

  test(
    'a machine that left the host with its cluster role is reported neither as off nor as gone',
    scene(async ({ cloud, backend, state }) => {
      await cloud.ok('create');
      const { remoteId } = await cloud.machine();
      const away = state.machines.get(remoteId) as Machine;
      state.machines.delete(remoteId);
      Object.assign(state.cluster, {
        member: true,
        elsewhere: [{ name: cloud.vm.name, node: 'HV2' }],
      });
      for (const action of ['status', 'stop', 'delete', 'create']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      const { name, uuid } = cloud.vm;
      for (const role of [name, `${name}-${uuid}`]) {
        state.cluster.elsewhere = [{ name: role, node: 'HV2' }];
        const { document } = await cloud.ok('statuses');
        assert.deepEqual(document['power_state'], { [name]: 'PowerUnknown' });
        state.cluster.elsewhere = [{ name: role.toLowerCase(), node: 'HV2' }];
        assert.equal((await cloud.call('delete')).exitCode, 1, role);
      }
      await plantAnother(cloud, backend);
      const left = await cloud.ok('statuses', { host: { other_nodes: 'hv2' } });
      assert.deepEqual(left.document['power_state'], { 'i-2-77-VM': 'PowerOff' });
      state.machines.set(remoteId, away);
    }),
  );

  test(
    'is not proved missing while the roles of the cluster cannot be listed',
    scene(async ({ cloud, state }) => {
      Object.assign(state.cluster, { member: true, known: false });
      for (const action of ['status', 'statuses', 'stop', 'delete']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
    }),
  );

  test(
    'the replica of a machine that runs on another host is left alone',
    scene(async ({ cloud, backend, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      Object.assign(vm, { replication: 'Replica', state: 'Off' });
      for (const action of ['status', 'stop', 'start', 'delete', 'create']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      await plantAnother(cloud, backend);
      const { document } = await cloud.ok('statuses');
      assert.deepEqual(document['power_state'], { 'i-2-77-VM': 'PowerOff' });
      vm.replication = 'Primary';
      assert.equal(word(await cloud.ok('status')), 'PowerOff');
    }),
  );

  test(
    'of the built-in extension, with the UUID in its name, is adopted when that is allowed',
    scene(async ({ cloud, backend, state }) => {
      const remoteId = await backend.plant({
        name: `${cloud.vm.name}-${cloud.vm.uuid}`,
        power: 'on',
      });
      assert.equal((await cloud.call('stop')).exitCode, 1, 'not without the setting');
      await cloud.ok('stop', { host: { adopt_unmarked: 'true' }, caller: system });
      const vm = state.machines.get(remoteId) as Machine;
      assert.equal(vm.state, 'Off');
      assert.deepEqual(readMark(vm.notes), markOf(cloud, { origin: 'adopted' })(remoteId));
      assert.match(vm.notes, /^the owner’s own words\n/);
      await cloud.ok('start');
      assert.equal(vm.adapters.length, 2);
    }),
  );

  test(
    'of the built-in extension counts as unknown under its instance’s name until it is adopted',
    scene(async ({ cloud, backend }) => {
      await backend.plant({ name: `${cloud.vm.name}-${cloud.vm.uuid}`, power: 'on' });
      const { document } = await cloud.ok('statuses');
      assert.deepEqual(document['power_state'], { [cloud.vm.name]: 'PowerUnknown' });
    }),
  );

  test(
    'keeps its adapters at a start where only VLANs change, so that the guest keeps its cards',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      await cloud.ok('stop');
      const before = (await machine()).adapters.map(({ id }) => id);
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2222 })) });
      await cloud.ok('start');
      const { adapters } = await machine();
      assert.deepEqual(
        adapters.map(({ id }) => id),
        before,
      );
      assert.deepEqual(
        adapters.map(({ vlan }) => vlan),
        [2222, 2222],
      );
    }),
  );

  test(
    'whose adapters are listed in another order than they were made in keeps each card on its network',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const right = structuredClone(vm.adapters);
      state.adaptersReversed = true;
      await cloud.ok('start');
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.deepEqual(vm.adapters, right, 'no card has become the other one');
      await cloud.ok('stop');
      const [first, second] = cloud.vm.nics;
      assert.ok(first !== undefined && second !== undefined);
      cloud.change({ nics: [{ ...second, deviceId: 0 }] });
      await cloud.ok('start');
      assert.deepEqual(vm.adapters, right.slice(1), 'the card that has gone is the one removed');
    }),
  );

  test(
    'is asked to shut down also where WMI refuses the account',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      for (const way of ['cmdlet', 'wmi'] as const) {
        state.wmi = way === 'wmi';
        state.shutdowns.splice(0);
        await cloud.ok('stop', { state: 'Stopping' });
        assert.deepEqual([state.shutdowns, (await machine()).state], [[way], 'Off']);
        await cloud.ok('start');
      }
    }),
  );

  test(
    'whose network was changed in Hyper-V is not taken for started, and is mended when it is off',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const right = structuredClone(vm.adapters);
      const changes: readonly Partial<Adapter>[] = [
        { switch: 'Internal' },
        { mac: '00155D000001' },
        { dynamic: true },
        { mode: 'Trunk' },
        { mode: 'Untagged' },
      ];
      for (const change of changes) {
        const what = JSON.stringify(change);
        Object.assign(vm.adapters[0] ?? {}, change);
        const { exitCode, text } = await cloud.call('start', { caller: admin });
        assert.equal(exitCode, 1, what);
        assert.match(text, /is running with other NICs/);
        vm.state = 'Off';
        await cloud.ok('start');
        assert.deepEqual([vm.adapters, vm.state], [right, 'Running'], what);
      }
    }),
  );

  test(
    'a start resumes a paused machine with its memory',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      vm.state = 'Paused';
      await cloud.ok('start');
      assert.deepEqual([vm.state, vm.boots], ['Running', 1]);
    }),
  );

  test(
    'whose start fails with an error while it is on its way is waited for',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      await cloud.ok('stop');
      const vm = await machine();
      const meanwhile = (): void => {
        vm.state = 'Starting';
        setTimeout(() => Object.assign(vm, { state: 'Running' }), 300);
      };
      state.errors.push({ step: 'power', trouble: oops, done: false, meanwhile });
      await cloud.ok('start');
      assert.equal(vm.state, 'Running');
    }),
  );

  test(
    'whose guest cannot be asked to shut down is not waited for',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      state.errors.push({ step: 'power', trouble: oops, done: false });
      const startedMs = performance.now();
      await cloud.ok('stop', { host: { grace_seconds: '60' }, timeoutSeconds: 120 });
      assert.ok(performance.now() - startedMs < 30_000);
      assert.equal((await machine()).state, 'Off');
    }),
  );

  test(
    'a start resumes a saved machine only with the NICs, CPUs and memory of the payload',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      vm.state = 'Saved';
      const { nics } = cloud.vm;
      const { cpus, memoryMb } = cloud.vm;
      const others = { nics: nics.map((nic) => ({ ...nic, vlan: 2222 })) };
      for (const other of [others, { cpus: cpus + 1 }, { memoryMb: memoryMb * 2 }]) {
        cloud.change(other);
        assert.equal((await cloud.call('start')).exitCode, 1);
        assert.equal(vm.state, 'Saved');
        cloud.change({ nics, cpus, memoryMb });
      }
      await cloud.ok('start');
      assert.equal(vm.state, 'Running');
      assert.equal(vm.boots, 1, 'its memory was kept');
    }),
  );

  test(
    'whose start fails with an error although it runs is started',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      await cloud.ok('stop');
      state.errors.push({ step: 'power', trouble: oops, done: true });
      await cloud.ok('start');
      assert.equal((await machine()).state, 'Running');
    }),
  );

  test(
    'a machine whose mark changes between the check and the change is not touched',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const trouble = { id: 'OutriggerNotOwn', category: 'OperationStopped', message: 'x' };
      state.errors.push({ step: 'power', trouble, done: false });
      const { text } = await cloud.call('stop', { state: 'Running', caller: system });
      assert.match(text, /mark was changed/);
      assert.equal(vm.state, 'Running');
    }),
  );

  test(
    'a reboot starts the machine whose guest shut down just after the shutdown timeout',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      state.ignoreShutdown = true;
      const vm = await machine();
      const meanwhile = (): void => {
        vm.state = 'Off';
      };
      state.errors.push({ step: 'power', trouble: oops, done: false, meanwhile });
      await cloud.ok('reboot', { host: { grace_seconds: '0' } });
      assert.equal(vm.state, 'Running');
    }),
  );

  test(
    'is deleted with its checkpoints, disks and folder, after they are merged',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      await cloud.okCustom('CreateSnapshot', { snap_name: 'two' });
      state.mergeMs = 200;
      const vm = await machine();
      assert.match(vm.drives[0]?.path ?? '', /\.avhdx$/);
      await cloud.ok('delete');
      assert.equal(state.machines.size, 0);
      assert.deepEqual(orphansOf(state), []);
      assert.deepEqual(
        [...state.folders].filter((folder) => /i-2-42/.test(folder)),
        [],
      );
    }),
  );

  for (const elsewhere of [undefined, 'D:\\Disks\\taken-over.vhdx']) {
    test(
      `is neither deleted nor merged while another one’s disk builds on its own${elsewhere === undefined ? '' : ', whatever that is called'}`,
      scene(async ({ cloud, state, machine }) => {
        await cloud.ok('create');
        const vm = await machine();
        if (elsewhere !== undefined) move(state, vm, elsewhere);
        const other = newMachine({ name: 'child' });
        state.machines.set(other.id, other);
        const parent = vm.drives[0]?.path ?? '';
        put(state, 'D:\\Disks\\child.vhdx', { content: 'c', size: gib, fileSize: 1, parent });
        other.drives.push({ path: 'D:\\Disks\\child.vhdx', controller: 'SCSI', location: 0 });
        const written = fileAt(state, parent)?.content;
        const refused = async (done: Promise<Done>): Promise<void> => {
          const { exitCode, text } = await done;
          assert.equal(exitCode, 1);
          assert.match(text, /used by other machines/);
          assert.equal(fileAt(state, parent)?.content, written, 'nothing is merged into it');
        };
        await refused(cloud.call('delete', { caller: admin }));
        assert.equal(vm.state, 'Running', 'a delete that is refused cuts no power');
        const snapshot = { snap_name: 'one' };
        await cloud.okCustom('CreateSnapshot', snapshot);
        Object.assign(fileAt(state, vm.drives[0]?.path ?? '') ?? {}, { content: 'today' });
        await refused(cloud.custom('DeleteSnapshot', snapshot, { caller: admin }));
        const again = { confirm: vm.name };
        await refused(cloud.custom('Reinstall', again, { caller: admin }));
        assert.deepEqual([vm.state, vm.checkpoints.length], ['Running', 1]);
        await refused(cloud.call('delete', { caller: admin }));
        assert.equal(state.machines.size, 2);
      }),
    );
  }

  test(
    'keeps what lies outside the folder for disks when it is deleted, and takes what lies inside',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const outside = ['E:\\Data\\more.vhdx', 'D:\\Disks2\\a.vhdx'];
      const inside = ['d:\\DISKS\\Below\\b.vhdx'];
      for (const path of [...outside, ...inside]) {
        put(state, path, { content: 'm', size: gib, fileSize: 1, parent: '' });
        (await machine()).drives.push({ path, controller: 'SCSI', location: 1 });
      }
      await cloud.ok('delete');
      for (const path of outside) assert.ok(state.files.delete(path.toLowerCase()), path);
      assert.deepEqual(orphansOf(state), []);
    }),
  );

  test(
    'is deleted, started and resized where Hyper-V complains about what it has done all the same',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      await cloud.ok('stop');
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 1600 })) });
      state.errors.push({ step: 'wire', trouble: oops, done: true });
      await cloud.ok('start');
      assert.equal((await machine()).adapters[0]?.vlan, 1600);
      state.errors.push({ step: 'grow', trouble: oops, done: true });
      await cloud.okCustom('ResizeDisk', { size_gb: '30' }, { caller: admin });
      state.errors.push({ step: 'grow', trouble: oops, done: false });
      const refused = await cloud.custom('ResizeDisk', { size_gb: '40' }, { caller: admin });
      assert.equal(refused.exitCode, 1);
      state.errors.push({ step: 'remove', trouble: oops, done: true });
      await cloud.ok('delete');
      assert.deepEqual([state.machines.size, state.errors.length], [0, 0]);
    }),
  );

  test(
    'a delete whose machine is removed in Hyper-V meanwhile ends well, and takes the disk that was left',
    scene(async ({ cloud, state }) => {
      for (const step of ['machine', 'power', 'erase']) {
        await cloud.ok('create');
        const meanwhile = (): void => state.machines.clear();
        state.errors.push({ step, trouble: oops, done: false, meanwhile });
        await cloud.ok('delete');
        assert.deepEqual([state.errors.length, orphansOf(state)], [0, []], step);
        assert.doesNotMatch([...state.folders].join(), /i-2-42/);
      }
    }),
  );

  test(
    'a delete that is shown no machines any more does not take its machine for removed',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const meanwhile = (): void => {
        state.machines.clear();
        state.sees = false;
      };
      state.errors.push({ step: 'remove', trouble: oops, done: false, meanwhile });
      const { exitCode, text } = await cloud.call('delete', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /is shown no virtual machines/);
      state.sees = true;
      state.machines.set(vm.id, vm);
      await cloud.ok('delete');
      assert.equal(state.machines.size, 0);
    }),
  );

  test(
    'a repeated delete finds the machine of one that was stopped half-way',
    scene(async ({ cloud, state }) => {
      await cloud.ok('create');
      for (const step of ['power', 'erase', 'remove']) {
        state.errors.push({ step, trouble: oops, done: false });
        const { exitCode } = await cloud.call('delete');
        assert.equal(exitCode, 1, step);
        state.errors.splice(0);
      }
      await cloud.ok('delete');
      assert.equal(state.machines.size, 0);
    }),
  );
});

/** As an adopted machine has its disk, which its owner made. */
function move(state: HostState, { drives: [drive] }: Machine, to: string): void {
  const file = fileAt(state, drive?.path ?? '');
  assert.ok(drive !== undefined && file !== undefined);
  put(state, to, file);
  state.files.delete(drive.path.toLowerCase());
  drive.path = to;
}

/** A machine of another instance of the same installation, without which a host reports nothing. */
async function plantAnother(cloud: Cloud, backend: HyperVBackend): Promise<void> {
  const mark = markOf(cloud);
  const other = { uuid: '00000000-0000-4000-8000-000000000077', name: 'i-2-77-VM' };
  await backend.plant({ name: other.name, mark: (id) => ({ ...mark(id), ...other }) });
}
