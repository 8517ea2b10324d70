import { type Call, durationOf, flag, fork, locked, vmidOf } from './call.ts';
import { disksOf, drivesOf } from './drives.ts';
import { badParameters, die } from './errors.ts';
import { checkLock, checkProtection, failWrite, loadVm } from './machines.ts';
import type { State, Vm } from './state.ts';
import { findVolume, free, linkedClonesOf, storageOf, volumeId, volumesOn } from './storage.ts';
import type { Worker } from './worker.ts';

export function destroy(call: Call): string {
  const { params } = call;
  const vmid = vmidOf(call);
  if (params['skiplock'] !== undefined) {
    badParameters({ skiplock: 'Only root may use this option.' });
  }
  checkEarly(call, vmid);
  return fork(call, 'qmdestroy', vmid, (worker) =>
    locked(call, vmid, worker, async () => {
      const vm = checkEarly(call, vmid);
      await remove(call, vm, worker);
    }),
  );
}

function checkEarly(call: Call, vmid: number): Vm {
  const { state, node } = call;
  const vm = loadVm(state, vmid, node.name);
  checkProtection(vm, `can't remove VM ${vmid}`);
  if (!flag(call, 'purge')) {
    if (state.ha.has(`vm:${vmid}`)) {
      die(`unable to remove VM ${vmid} - used in HA resources and purge parameter not set.`);
    }
    const job = [...state.replication].find(([, { guest }]) => guest === vmid)?.[0];
    if (job !== undefined) {
      die(`There is a replication job '${job}' for guest '${vmid}' - Please remove that first.`);
    }
  }
  if (vm.power === 'running') die(`VM ${vmid} is running - destroy failed`);
  return vm;
}

async function remove(call: Call, vm: Vm, worker: Worker): Promise<void> {
  const { state } = call;
  const { vmid, node } = vm;
  // A machine whose memory lies on the disk may go, its lock with it.
  checkLock(vm, 'suspended');
  for (const [, drive] of disksOf(vm.config)) {
    const volume = findVolume(state, drive.file, node);
    if (volume !== undefined && linkedClonesOf(state, volume).length > 0) {
      die(`base volume '${volumeId(volume)}' is still in use by linked cloned`);
    }
  }
  await worker.work(durationOf(state, 'qmdestroy'));
  await withoutQuorum(state, vm, worker);
  freeAll(state, vm);
  if (flag(call, 'destroy-unreferenced-disks')) freeUnreferenced(state, vm);
  for (const pool of state.pools.values()) pool.vms.delete(vmid);
  state.acl = state.acl.filter(({ path }) => path !== `/vms/${vmid}`);
  if (flag(call, 'purge')) purge(state, vmid, worker);
  state.vms.delete(vmid);
}

async function withoutQuorum(state: State, vm: Vm, worker: Worker): Promise<void> {
  if (state.quorate) return;
  const [, disk] = disksOf(vm.config)[0] ?? [];
  const storage = disk?.file.split(':')[0] ?? 'local';
  for (let tries = 0; tries < 9; tries += 1) {
    worker.log(`trying to acquire cfs lock 'storage-${storage}' ...`);
    await worker.work(1000);
  }
  failWrite(state, vm.vmid, vm.node);
}

/** The VM's own volumes, unused and saved ones included; no other VM's. */
function freeAll(state: State, vm: Vm): void {
  const files = [
    ...drivesOf(vm.config).map(([, drive]) => drive.file),
    ...[...vm.config]
      .filter(([option]) => /^(unused\d+|vmstate)$/.test(option))
      .map(([, file]) => file),
    ...[...vm.snapshots.values()].flatMap(({ vmstate }) => vmstate ?? []),
  ];
  for (const file of files) {
    const volume = findVolume(state, file, vm.node);
    if (volume?.vmid === vm.vmid) free(state, volume);
  }
}

/** Every volume that carries this id on any storage, also when it belongs to another cluster's VM. */
function freeUnreferenced(state: State, vm: Vm): void {
  for (const { id } of state.storages.values()) {
    for (const volume of volumesOn(state, storageOf(state, id).id, vm.node)) {
      if (volume.vmid === vm.vmid && volume.content === 'images') free(state, volume);
    }
  }
}

function purge(state: State, vmid: number, worker: Worker): void {
  worker.log(`purging VM ${vmid} from related configurations..`);
  for (const [id, { guest }] of state.replication) if (guest === vmid) state.replication.delete(id);
  if (state.ha.delete(`vm:${vmid}`)) {
    worker.log(`NOTE: removed VM ${vmid} from HA resource configuration.`);
  }
}
