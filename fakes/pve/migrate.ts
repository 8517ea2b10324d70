import { type Call, durationOf, flag, fork, locked, vmidOf } from './call.ts';
import { drivesOf, isCdrom, isCloudInit } from './drives.ts';
import { badParameters, die } from './errors.ts';
import { checkLock, demandQuorum, loadVm } from './machines.ts';
import type { Vm } from './state.ts';
import { findVolume, splitVolumeId, storageOf } from './storage.ts';
import type { Worker } from './worker.ts';

interface Local {
  readonly file: string;
  readonly cdrom: boolean;
}

/** Drives on storage that only one node has. */
function localDrives({ state }: Call, vm: Vm): Local[] {
  return drivesOf(vm.config)
    .filter(([, drive]) => drive.file !== 'none' && drive.file !== 'cdrom')
    .filter(([, drive]) => !storageOf(state, splitVolumeId(drive.file)[0]).shared)
    .map(([, drive]) => ({ file: drive.file, cdrom: isCdrom(drive) && !isCloudInit(drive) }));
}

export function migratePreconditions(call: Call): object {
  const { state, node } = call;
  const vm = loadVm(state, vmidOf(call), node.name);
  const others = [...state.nodes.values()].filter((one) => one !== node && one.online);
  const disks = localDrives(call, vm).map(({ file, cdrom }) => ({
    ...{ volid: file, cdrom: cdrom ? 1 : 0, is_attached: 1, shared: 0 },
    size: findVolume(state, file, node.name)?.size ?? 0,
  }));
  return {
    ...{ running: vm.power === 'running' ? 1 : 0, local_disks: disks, local_resources: [] },
    ...{ 'mapped-resources': [], 'mapped-resource-info': {} },
    allowed_nodes: others.map(({ name }) => name),
    not_allowed_nodes: Object.fromEntries(others.map(({ name }) => [name, {}])),
  };
}

export function migrate(call: Call): string {
  const { state, node, params } = call;
  const vmid = vmidOf(call);
  const target = params['target'] ?? '';
  if (target === node.name) badParameters({ target: 'target is local node.' });
  demandQuorum(state);
  const to = state.nodes.get(target) ?? die(`no such cluster node '${target}'`);
  const vm = loadVm(state, vmid, node.name);
  checkLock(vm);
  if (vm.power === 'running' && !flag(call, 'online')) {
    die("can't migrate running VM without --online");
  }
  if (state.ha.has(`vm:${vmid}`)) return haMigrate(call, vm, to.name);
  return fork(call, 'qmigrate', vmid, (worker) =>
    locked(call, vmid, worker, () => move(call, { vm, target: to.name }, worker)),
  );
}

function haMigrate(call: Call, vm: Vm, target: string): string {
  return fork(call, 'hamigrate', vm.vmid, async (worker) => {
    worker.log(`Requesting HA migration for VM ${vm.vmid} to node ${target}`);
    call.state.clock.after(8000, () => {
      vm.node = target;
    });
  });
}

interface Moving {
  readonly vm: Vm;
  readonly target: string;
}

async function move(call: Call, moving: Moving, worker: Worker): Promise<void> {
  const { state } = call;
  const { vm, target } = moving;
  const to = state.nodes.get(target);
  const log = (line: string): void => worker.log(`${stamp(state.clock.now())} ${line}`);
  if (to === undefined || to.reach !== 'up') {
    log(`ssh: connect to host ${to?.ip ?? target} port 22: Connection refused`);
    log(
      "ERROR: migration aborted (duration 00:00:00): Can't connect to destination address using public key",
    );
    die('migration aborted');
  }
  log(`starting migration of VM ${vm.vmid} to node '${target}' (${to.ip})`);
  checkDisks(call, moving, log);
  const online = vm.power === 'running';
  vm.config.set('lock', 'migrate');
  try {
    await worker.work(durationOf(state, online ? 'onlinemigrate' : 'qmigrate'));
  } catch (error) {
    if (!online) throw error;
    log(
      `ERROR: online migrate failure - ${error instanceof Error ? error.message : String(error)}`,
    );
    log('aborting phase 2 - cleanup resources');
    log('ERROR: migration finished with problems (duration 00:00:02)');
    die('migration problems');
  } finally {
    vm.config.delete('lock');
  }
  carry(call, moving);
  vm.node = to.name;
  log('migration finished successfully (duration 00:00:01)');
}

function checkDisks(call: Call, { vm, target }: Moving, log: (line: string) => void): void {
  const local = localDrives(call, vm);
  for (const { file } of local) log(`found local disk '${file}' (attached)`);
  const problems = local.flatMap(({ file, cdrom }) => {
    if (cdrom) return [`can't migrate local disk '${file}': local cdrom image`];
    const storage = storageOf(call.state, splitVolumeId(file)[0]);
    if (storage.nodes !== undefined && !storage.nodes.includes(target)) {
      return [`storage '${storage.id}' is not available on node '${target}'`];
    }
    const needsFlag = vm.power === 'running' && !flag(call, 'with-local-disks');
    return needsFlag
      ? [`can't live migrate attached local disks without with-local-disks option`]
      : [];
  });
  if (problems.length === 0) return;
  for (const problem of problems) log(problem);
  log("ERROR: Problem found while scanning volumes - can't migrate VM - check log");
  log('aborting phase 1 - cleanup resources');
  die('migration aborted');
}

/** Local disks go along and belong to the other node from then on. */
function carry({ state }: Call, { vm, target }: Moving): void {
  for (const [, drive] of drivesOf(vm.config)) {
    const volume = findVolume(state, drive.file, vm.node);
    if (volume === undefined || volume.node === undefined || volume.vmid !== vm.vmid) continue;
    state.volumes.delete(volume);
    state.volumes.add({ ...volume, node: target });
  }
}

function stamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
