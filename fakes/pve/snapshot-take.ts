import { type Call, durationOf, flag, fork, locked, vmidOf } from './call.ts';
import { formatting } from './config-apply.ts';
import { disksOf } from './drives.ts';
import { die } from './errors.ts';
import { checkLock, failWrite, isTemplate, loadVm } from './machines.ts';
import type { Config, State, Vm } from './state.ts';
import { allocate, canSnapshot, findVolume, splitVolumeId, storageOf } from './storage.ts';
import type { Worker } from './worker.ts';

/** Everything but what belongs to the moment: locks, unused disks, saved memory. */
function frozen(config: Config): Config {
  return new Map(
    [...config].filter(
      ([option]) => !/^(lock|unused\d+|description|vmstate|template)$/.test(option),
    ),
  );
}

function disksFit(state: State, vm: Vm): boolean {
  return disksOf(vm.config).every(([, drive]) => {
    const volume = findVolume(state, drive.file, vm.node);
    return volume !== undefined && canSnapshot(storageOf(state, volume.storage), volume);
  });
}

export function take(call: Call): string {
  const { state, node } = call;
  const name = nameOf(call);
  if (name === 'current' || name === 'pending') {
    die(`unable to use snapshot name '${name}' (reserved name)`);
  }
  return fork(call, 'qmsnapshot', vmidOf(call), async (worker) => {
    const vm = await locked(call, vmidOf(call), worker, async () => {
      const found = loadVm(state, vmidOf(call), node.name);
      prepare(state, found, name);
      found.config.set('lock', 'snapshot');
      return found;
    });
    try {
      await save(call, vm, worker);
    } finally {
      vm.config.delete('lock');
    }
  });
}

function prepare(state: State, vm: Vm, name: string): void {
  if (isTemplate(vm)) die("you can't take a snapshot if it's a template");
  checkLock(vm);
  if (vm.snapshots.has(name)) die(`snapshot name '${name}' already used`);
  if (!disksFit(state, vm)) die('snapshot feature is not available');
  failWrite(state, vm.vmid, vm.node);
}

async function save(call: Call, vm: Vm, worker: Worker): Promise<void> {
  const { state } = call;
  const name = nameOf(call);
  const memory = flag(call, 'vmstate') && vm.power === 'running';
  const vmstate = memory ? await saveMemory(state, vm, name, worker) : undefined;
  for (const [option, drive] of disksOf(vm.config)) {
    worker.log(`snapshotting 'drive-${option}' (${drive.file})`);
    if (state.version === '9.1') worker.log('internal qemu snapshot');
    const volume = findVolume(state, drive.file, vm.node);
    volume?.snapshots.set(name, { data: volume.data ?? '', size: volume.size });
  }
  await worker.work(durationOf(state, 'qmsnapshot'));
  vm.snapshots.set(name, {
    name,
    description: call.params['description'] ?? '',
    snaptime: Math.floor(state.clock.now() / 1000),
    ...(vm.parent === undefined ? {} : { parent: vm.parent }),
    ...(vmstate === undefined ? {} : { vmstate }),
    config: frozen(vm.config),
  });
  vm.parent = name;
}

async function saveMemory(state: State, vm: Vm, name: string, worker: Worker): Promise<string> {
  const [, disk] = disksOf(vm.config)[0] ?? [];
  const storage = storageOf(state, splitVolumeId(disk?.file ?? 'local:')[0]);
  const size = 1_329_594_368;
  const volume = allocate(state, {
    ...{ storage: storage.id, node: vm.node, vmid: vm.vmid, size, used: 90 * 2 ** 20 },
    kind: `state-${name}`,
  });
  worker.log(formatting(storage.path, volume.name, 'raw', size));
  worker.log(`saving VM state and RAM using storage '${storage.id}'`);
  await worker.work(durationOf(state, 'savevm'));
  worker.log('completed saving the VM state in 0s, saved 88.11 MiB');
  return `${storage.id}:${volume.name}`;
}

export function nameOf(call: Call): string {
  return call.params['snapname'] ?? '';
}
