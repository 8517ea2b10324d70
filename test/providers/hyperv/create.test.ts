import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commands } from '../../../fakes/winrm/commands.ts';
import { fileAt, gib, type HostState, type Machine } from '../../../fakes/winrm/state.ts';
import { silent } from '../../../src/kit/log.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { openHost } from '../../../src/providers/hyperv/api/client.ts';
import { installation } from '../../conformance/cloud.ts';
import { markOf } from '../../conformance/machine.ts';
import { deadlineIn } from '../../support/http-client.ts';
import { admin } from '../../support/payloads.ts';
import { hostDetails, orphansOf } from './backend.ts';
import { oops, scene, settingsOf, word } from './scene.ts';

describe('prepare on Hyper-V', () => {
  test(
    'finds what is missing early and makes nothing',
    scene(async ({ cloud, state }) => {
      const { document } = await cloud.ok('prepare');
      assert.deepEqual(document['details'], { hyperv_host: '127.0.0.1' });
      state.files.delete('d:\\templates\\debian-12.vhdx');
      const { exitCode, text } = await cloud.call('prepare');
      assert.equal(exitCode, 1);
      assert.match(text, /no template/);
      assert.equal(state.machines.size, 0);
    }),
  );

  test(
    'hands back a host that is named when the machine is not there',
    scene(async ({ cloud, choose }) => {
      choose({ hyperv_host: 'hv9' });
      assert.match((await cloud.call('start')).text, /no machine of .*; it was prepared on hv9/);
    }),
  );

  test(
    'hands back the id of a machine that is there already',
    scene(async ({ cloud, machine }) => {
      await cloud.ok('create');
      const { document } = await cloud.ok('prepare');
      assert.deepEqual(document['details'], { hyperv_id: (await machine()).id });
    }),
  );
});

describe('create on Hyper-V', () => {
  test(
    'of a template copies it, grows it and switches Secure Boot and automatic checkpoints off',
    scene(async ({ cloud, state, machine, choose }) => {
      choose({ vhd_size_gb: '20' });
      await cloud.ok('create');
      const vm = await machine();
      const [disk] = vm.drives;
      assert.equal(vm.drives.length, 1);
      assert.equal(disk?.path, `D:\\Disks\\${vm.name}-${vm.id}.vhdx`);
      assert.equal(fileAt(state, disk?.path ?? '')?.size, 20 * gib);
      assert.equal(vm.name, cloud.vm.name);
      assert.equal(vm.secureBoot, '');
      assert.equal(vm.automaticCheckpoints, false);
      assert.equal(vm.startAction, 'Nothing');
      assert.equal(vm.stopAction, 'ShutDown');
      assert.deepEqual(
        vm.adapters.map(({ name, mac, mode, vlan, switch: on }) => ({ name, mac, mode, vlan, on })),
        [
          { name: 'NIC 0', mac: '020100CD2A00', mode: 'Access', vlan: 1577, on: 'External' },
          { name: 'NIC 1', mac: '020100CD2A01', mode: 'Untagged', vlan: 0, on: 'External' },
        ],
      );
      assert.equal(fileAt(state, 'D:\\Templates\\debian-12.vhdx')?.content, 'debian 12');
    }),
  );

  test(
    'is one PowerShell start on one connection',
    scene(async ({ cloud, backend }) => {
      await cloud.ok('create');
      assert.equal(backend.fake.messages.filter((action) => action === 'Command').length, 1);
      assert.equal(backend.fake.server.connections(), 1);
    }),
  );

  test(
    'of an ISO image makes an empty disk that is tried first, in both generations',
    scene(async ({ cloud, state, machine, choose }) => {
      const iso_path = 'D:\\ISO\\debian-12.iso';
      choose({ template_type: 'iso', iso_path, vhd_size_gb: '30', generation: '2' });
      await cloud.ok('create');
      const vm = await machine();
      assert.deepEqual(vm.media, [iso_path]);
      assert.deepEqual(vm.bootOrder, ['disk', 'dvd']);
      assert.equal(fileAt(state, vm.drives[0]?.path ?? '')?.size, 30 * gib);
      await cloud.ok('delete');
      assert.ok(fileAt(state, iso_path), 'the image belongs to no instance');
      choose({ generation: '1' });
      await cloud.ok('create');
      assert.equal((await machine()).drives[0]?.controller, 'IDE');
    }),
  );

  test(
    'without a full clone makes a differencing disk, and deletes it without its parent',
    scene(async ({ cloud, state, machine, choose }) => {
      choose({ is_full_clone: 'false' });
      state.freeBytes = 6 * gib;
      await cloud.ok('create');
      const { path = '' } = (await machine()).drives[0] ?? {};
      assert.equal(fileAt(state, path)?.parent, 'D:\\Templates\\debian-12.vhdx');
      await cloud.ok('delete');
      assert.equal(fileAt(state, path), undefined);
      assert.ok(fileAt(state, 'D:\\Templates\\debian-12.vhdx'));
    }),
  );

  for (const [chosen, template] of [
    ['linux', 'MicrosoftUEFICertificateAuthority'],
    ['windows', 'MicrosoftWindows'],
    ['off', ''],
  ] as const) {
    test(
      `sets Secure Boot to ${chosen}`,
      scene(async ({ cloud, machine, choose }) => {
        choose({ secure_boot: chosen });
        await cloud.ok('create');
        assert.equal((await machine()).secureBoot, template);
      }),
    );
  }

  test(
    'of generation 1 takes a .vhd template, which generation 2 refuses before anything is made',
    scene(async ({ cloud, state, machine, choose }) => {
      choose({ template_path: 'D:\\Templates\\old.vhd', generation: '2' });
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.equal(state.machines.size, 0);
      choose({ generation: '1' });
      await cloud.ok('create');
      assert.match((await machine()).drives[0]?.path ?? '', /\.vhd$/);
    }),
  );

  test(
    'connects each network to its own switch where the operator says so',
    scene(async ({ cloud, machine }) => {
      for (const network of ['d1-a2-z1-s205', 'C0A8E1DE-1111-4F0B-9A40-000000020500 ']) {
        await cloud.ok('create', { host: { network_switches: `${network}= Internal` } });
        assert.deepEqual(
          (await machine()).adapters.map((adapter) => adapter.switch),
          ['External', 'Internal'],
        );
        await cloud.ok('delete');
      }
    }),
  );

  test(
    'takes a switch whose name is written in other letters for the one that Windows takes it for',
    scene(async ({ cloud, machine }) => {
      const host = { network_switch: 'EXTERNAL' };
      await cloud.ok('create', { host });
      assert.equal((await machine()).adapters[0]?.switch, 'External');
      await cloud.ok('start', { host });
    }),
  );

  test(
    'takes a switch with a hostile name as it is, and refuses one that could be a pattern',
    scene(async ({ cloud, state, machine }) => {
      state.switches.push(`Zürich's $(x); & 🦜`);
      await cloud.ok('create', { host: { network_switch: `Zürich's $(x); & 🦜` } });
      assert.equal((await machine()).adapters[0]?.switch, `Zürich's $(x); & 🦜`);
      const { text } = await cloud.call('start', { host: { network_switch: 'Ext*' } });
      assert.match(text, /network_switch/);
    }),
  );

  test(
    'with dynamic memory leaves the instance at least its share, and needs not all of it at once',
    scene(async ({ cloud, state, machine }) => {
      const least = { '25': gib / 4, '1': gib / 32, '100': 0 };
      for (const [dynamic_memory_percent, expected] of Object.entries(least)) {
        await cloud.ok('create', { host: { dynamic_memory_percent } });
        const { memory, minimum } = await machine();
        assert.deepEqual([memory, minimum], [gib, expected], dynamic_memory_percent);
        await cloud.ok('delete');
      }
      state.freeMemory = gib / 2;
      const { text } = await cloud.call('create', { host: { dynamic_memory_percent: '25' } });
      assert.ok(state.ran.includes('power'), text);
      assert.match(text, /not enough memory/);
    }),
  );

  test(
    'sets what the operator chose for starts and shutdowns of the host and for snapshots',
    scene(async ({ cloud, machine }) => {
      const host = {
        automatic_start_action: 'startifrunning',
        automatic_stop_action: 'turnoff',
        checkpoint_type: 'productiononly',
      };
      await cloud.ok('create', { host });
      const { startAction, stopAction, checkpointType } = await machine();
      assert.deepEqual(
        [startAction, stopAction, checkpointType],
        ['StartIfRunning', 'TurnOff', 'ProductionOnly'],
      );
    }),
  );

  test(
    'rounds the memory up to what Hyper-V hands out',
    scene(async ({ cloud, machine }) => {
      cloud.change({ memoryMb: 513 });
      await cloud.ok('create');
      assert.equal((await machine()).memory, 514 * 1024 * 1024);
      await cloud.ok('start');
    }),
  );

  for (const [why, spoil, kind] of [
    [
      'the template is missing',
      (s) => s.files.delete('d:\\templates\\debian-12.vhdx'),
      /no template/,
    ],
    ['the folder is missing', (s) => s.folders.delete('d:\\disks'), /no folder/],
    ['the switch is missing', (s) => s.switches.splice(0), /no virtual switch/],
    [
      'the volume is full',
      (s) => Object.assign(s, { freeBytes: 6 * gib }),
      /6 GiB free, 2 are needed/,
    ],
    ['memory is short', (s) => Object.assign(s, { freeMemory: gib / 2 }), /memory free/],
  ] as const satisfies readonly (readonly [string, (s: HostState) => unknown, RegExp])[]) {
    test(
      `is refused before anything is made when ${why}`,
      scene(async ({ cloud, state }) => {
        spoil(state);
        const { exitCode, text } = await cloud.call('create');
        assert.equal(exitCode, 1);
        assert.match(text, kind);
        assert.equal(state.ran.includes('make'), false);
      }),
    );
  }

  test(
    'goes on where the free space cannot be seen',
    scene(async ({ cloud, state }) => {
      state.freeBytes = null;
      await cloud.ok('create');
    }),
  );

  test(
    'goes on where the host does not tell its free memory, and takes all back when it was too little',
    scene(async ({ cloud, state }) => {
      state.memorySeen = false;
      await cloud.ok('create');
      await cloud.ok('delete');
      state.freeMemory = gib / 2;
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /not enough memory/);
      assert.deepEqual([state.machines.size, orphansOf(state)], [0, []]);
    }),
  );

  test(
    'says what is wrong with a network that Hyper-V cannot carry, before anything is made',
    scene(async ({ cloud, state }) => {
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 5000 })) });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /vlan:\/\/5000/);
      assert.equal(state.machines.size, 0);
    }),
  );

  test(
    'that fails at any step takes back everything it made',
    scene(async ({ cloud, state }) => {
      const steps = ['make', 'machine', 'wire', 'copy', 'attach', 'shape', 'power', 'notes'];
      for (const step of steps) {
        for (const done of [false, true]) {
          state.errors.push({ step, trouble: oops, done });
          const { exitCode } = await cloud.call('create');
          const nothing = state.machines.size === 0 && orphansOf(state).length === 0;
          // The start may have been done after all; then the machine is there and runs.
          assert.ok(exitCode === 0 || nothing, `${step} (${done}): something was left`);
          state.errors.splice(0);
          await cloud.ok('delete');
          assert.equal(state.machines.size, 0);
        }
      }
      assert.deepEqual(
        [...state.folders].filter((folder) => /i-2-42/.test(folder)),
        [],
      );
    }),
  );

  test(
    'whose machine is removed in Hyper-V takes back its disk and folder, which stayed',
    scene(async ({ cloud, state }) => {
      const meanwhile = (): void => state.machines.clear();
      state.errors.push({ step: 'attach', trouble: oops, done: false, meanwhile });
      const { exitCode, text } = await cloud.call('create', { caller: admin });
      assert.equal(exitCode, 1);
      assert.doesNotMatch(text, /Could not/);
      assert.deepEqual(orphansOf(state), []);
      assert.doesNotMatch([...state.folders].join(), /i-2-42/);
    }),
  );

  test(
    'that loses the right to see machines does not take its own for removed',
    scene(async ({ cloud, state }) => {
      const all = new Map<string, Machine>();
      const meanwhile = (): void => {
        for (const [id, machine] of state.machines) all.set(id, machine);
        state.machines.clear();
        state.sees = false;
      };
      state.errors.push({ step: 'attach', trouble: oops, done: true, meanwhile });
      const { exitCode, text } = await cloud.call('create', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /Could not remove the partial machine of i-2-42-VM: .* is shown no/);
      state.sees = true;
      for (const [id, machine] of all) state.machines.set(id, machine);
      const [left] = state.machines.values();
      assert.ok(fileAt(state, left?.drives[0]?.path ?? ''), 'its disk is there');
      await cloud.ok('stop');
      assert.equal(state.machines.size, 0);
    }),
  );

  test(
    'that runs out of time says how far the copy came, and leaves nothing',
    scene(async ({ cloud, state }) => {
      state.taskMs = 60_000;
      // Enough for the undo and for the end of the shell on a machine under load.
      const { exitCode, text } = await cloud.call('create', { timeoutSeconds: 8, caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /copying the template of i-2-42-VM \(\d+ % done\)/);
      assert.equal(state.machines.size, 0);
      assert.deepEqual(orphansOf(state), []);
    }),
  );

  test(
    'whose answers get lost on the way takes back what it made',
    scene(async ({ cloud, backend, state }) => {
      for (const times of [1, 3, 5, 9]) {
        backend.fake.next({ action: 'Receive', code: 2150858793, times });
        backend.fake.next({ action: 'Receive', drop: true });
        const { exitCode } = await cloud.call('create');
        assert.ok(exitCode === 0 || state.machines.size === 0);
        await cloud.ok('delete');
      }
    }),
  );

  test(
    'that was killed keeps a stop waiting no longer than its PowerShell waits for a question, 20 s',
    scene(async ({ cloud, backend, state }) => {
      assert.ok(state.idleMs <= 20_000, `${state.idleMs} ms`);
      state.idleMs = 1_000;
      const killed = openHost(settingsOf(hostDetails(backend.fake)), {
        ...{ deadline: deadlineIn(10_000), log: silent, installation, stateDirectory: () => '' },
      });
      await killed.ask(commands.lock, { uuid: cloud.vm.uuid, forMs: 100 });
      await cloud.ok('stop', { state: 'Starting', deploying: true });
      assert.equal(state.locks.size, 0);
      await killed.close();
    }),
  );

  test(
    'that was killed keeps others away until its process is gone, and is cleared away then',
    scene(async ({ cloud, backend, state }) => {
      const { uuid, name } = cloud.vm;
      const killed = openHost(settingsOf(hostDetails(backend.fake)), {
        deadline: deadlineIn(10_000),
        log: silent,
        installation,
        stateDirectory: () => '',
      });
      await killed.ask(commands.lock, { uuid, forMs: 100 });
      const blank = '00000000-0000-0000-0000-000000000000';
      const mark = markOf(cloud, { state: 'building' })(blank);
      const path = `D:\\Machines\\${name}-${uuid}`;
      const notes = writeMark(mark);
      const { id } = await killed.ask(commands.make, {
        ...{ name, generation: 2, memory: gib, path, notes, blank },
      });
      state.taskMs = 60_000;
      const to = `D:\\Disks\\${name}-${id}.vhdx`;
      await killed.ask(commands.copy, { from: 'D:\\Templates\\debian-12.vhdx', to, forMs: 10 });
      const given = { state: 'Starting', deploying: true, caller: admin };
      const { exitCode, text } = await cloud.call('stop', { ...given, timeoutSeconds: 4 });
      assert.equal(exitCode, 1);
      assert.match(text, /waiting for another action/);
      assert.equal(word(await cloud.ok('status')), 'PowerUnknown');
      backend.fake.clearShells();
      state.taskMs = 0;
      await cloud.ok('stop', given);
      assert.equal(state.machines.size, 0);
      assert.deepEqual(orphansOf(state), []);
      await killed.close();
    }),
  );
});
