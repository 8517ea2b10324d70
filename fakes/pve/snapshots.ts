import { type Call, durationOf, flag, fork, locked, type Routes, vmidOf } from './call.ts';
import { keepUnused } from './config-apply.ts';
import { disksOf } from './drives.ts';
import { die } from './errors.ts';
import { checkLock, digestOf, failWrite, isTemplate, loadVm, typedConfig } from './machines.ts';
import { nameOf, take } from './snapshot-take.ts';
import { halt, run } from './start.ts';
import type { Snapshot, State, Vm } from './state.ts';
import { findVolume, free, splitVolumeId, storageOf } from './storage.ts';

const base = '/nodes/{node}/qemu/{vmid}/snapshot';

export const snapshotRoutes: Routes = {
  [`GET ${base}`]: list,
  [`POST ${base}`]: take,
  [`GET ${base}/{snapname}`]: () => [{ cmd: 'rollback' }, { cmd: 'config' }],
  [`DELETE ${base}/{snapname}`]: remove,
  [`GET ${base}/{snapname}/config`]: (call) => {
    const { config, snaptime, description, vmstate, parent } = need(call);
    const more = vmstate === undefined ? {} : { vmstate, ...runningOn(call) };
    const ancestor = parent === undefined ? {} : { parent };
    return { ...typedConfig(call.state, config), ...more, ...ancestor, snaptime, description };
  },
  [`PUT ${base}/{snapname}/config`]: (call) => {
    const snapshot = need(call);
    if (call.params['description'] !== undefined) snapshot.description = call.params['description'];
  },
  [`POST ${base}/{snapname}/rollback`]: rollback,
};

/** The state of QEMU when its memory was saved. */
function runningOn({ state }: Call): Record<string, string> {
  const nets = state.version === '9.1' ? { 'running-nets-host-mtu': 'net0=0' } : {};
  return { runningmachine: 'pc-i440fx-7.2+pve0', runningcpu: 'qemu64', ...nets };
}

function need(call: Call): Snapshot {
  const vm = loadVm(call.state, vmidOf(call), call.node.name);
  return vm.snapshots.get(nameOf(call)) ?? die(`snapshot '${nameOf(call)}' does not exist`);
}

function list(call: Call): object[] {
  const vm = loadVm(call.state, vmidOf(call), call.node.name);
  const all = [...vm.snapshots.values()].map(
    ({ name, description, snaptime, parent, vmstate }) => ({
      ...{ name, description, snaptime, vmstate: vmstate === undefined ? 0 : 1 },
      ...(parent === undefined ? {} : { parent }),
    }),
  );
  const now = { name: 'current', description: 'You are here!', digest: digestOf(vm) };
  const running = { running: vm.power === 'running' ? 1 : 0 };
  return [
    ...all,
    { ...now, ...running, ...(vm.parent === undefined ? {} : { parent: vm.parent }) },
  ];
}

function remove(call: Call): string {
  const { state, node } = call;
  const name = nameOf(call);
  return fork(call, 'qmdelsnapshot', vmidOf(call), (worker) =>
    locked(call, vmidOf(call), worker, async () => {
      const vm = loadVm(state, vmidOf(call), node.name);
      if (!flag(call, 'force')) checkLock(vm);
      const snapshot = vm.snapshots.get(name) ?? die(`snapshot '${name}' does not exist`);
      vm.config.set('lock', 'snapshot-delete');
      await worker.work(durationOf(state, 'qmdelsnapshot'));
      vm.config.delete('lock');
      forget(state, vm, snapshot);
    }),
  );
}

function forget(state: State, vm: Vm, snapshot: Snapshot): void {
  const { name, parent, vmstate } = snapshot;
  for (const other of vm.snapshots.values()) {
    if (other.parent === name) reparent(other, parent);
  }
  if (vm.parent === name) reparent(vm, parent);
  const state_ = vmstate === undefined ? undefined : findVolume(state, vmstate, vm.node);
  if (state_ !== undefined) free(state, state_);
  for (const [, drive] of disksOf(snapshot.config)) {
    findVolume(state, drive.file, vm.node)?.snapshots.delete(name);
  }
  vm.snapshots.delete(name);
}

function reparent(child: { parent?: string }, parent: string | undefined): void {
  if (parent === undefined) delete child.parent;
  else child.parent = parent;
}

/** The configuration goes back to the snapshot's, all but the description and unused disks. */
function rollback(call: Call): string {
  const { state, node } = call;
  const name = nameOf(call);
  return fork(call, 'qmrollback', vmidOf(call), (worker) =>
    locked(call, vmidOf(call), worker, async () => {
      const vm = loadVm(state, vmidOf(call), node.name);
      if (isTemplate(vm)) die("you can't rollback if vm is a template");
      const snapshot = vm.snapshots.get(name) ?? die(`snapshot '${name}' does not exist`);
      checkLock(vm);
      failWrite(state, vm.vmid, vm.node);
      checkRecent(state, vm, snapshot);
      vm.config.set('lock', 'rollback');
      halt(vm);
      await worker.work(durationOf(state, 'qmrollback'));
      goBack(state, vm, snapshot);
      if (snapshot.vmstate !== undefined) {
        await worker.work(durationOf(state, 'loadvm'));
        run(state, node, vm);
      } else if (flag(call, 'start')) {
        await worker.work(durationOf(state, 'qmstart'));
        run(state, node, vm);
      }
    }),
  );
}

/** ZFS can only go back to its newest snapshot. */
function checkRecent(state: State, vm: Vm, { name, config }: Snapshot): void {
  for (const [, drive] of disksOf(config)) {
    const [storage] = splitVolumeId(drive.file);
    if (storageOf(state, storage).type === 'zfspool' && vm.parent !== name) {
      die(`can't rollback, '${name}' is not most recent snapshot on '${drive.file}'`);
    }
  }
}

function goBack(state: State, vm: Vm, snapshot: Snapshot): void {
  for (const [, drive] of disksOf(snapshot.config)) {
    const volume = findVolume(state, drive.file, vm.node);
    Object.assign(volume ?? {}, volume?.snapshots.get(snapshot.name));
  }
  const kept = [...vm.config].filter(([option]) => /^(description|unused\d+)$/.test(option));
  const before = disksOf(vm.config).map(([, drive]) => drive.file);
  vm.config = new Map([...snapshot.config, ...kept]);
  parkOthers(state, vm, before);
  vm.pending = new Map();
  vm.pendingDelete = new Map();
  vm.parent = snapshot.name;
}

/** Disks that the snapshot does not know are kept as unused ones, and those that it brings back are not. */
function parkOthers(state: State, vm: Vm, before: readonly string[]): void {
  const used = new Set(disksOf(vm.config).map(([, drive]) => drive.file));
  for (const [option, file] of [...vm.config]) {
    if (/^unused\d+$/.test(option) && used.has(file)) vm.config.delete(option);
  }
  for (const file of before) if (!used.has(file)) keepUnused(state, vm, file, false);
}
