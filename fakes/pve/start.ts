import { durationOf } from './call.ts';
import { writeSeed } from './cloud-init.ts';
import { applyPending } from './config-apply.ts';
import { drivesOf } from './drives.ts';
import { die } from './errors.ts';
import { checkLock, isTemplate, loadVm } from './machines.ts';
import { parseNet } from './property-string.ts';
import type { Node, State, Vm } from './state.ts';
import { findVolume, needVolume } from './storage.ts';
import type { Worker } from './worker.ts';

/** The steps of qmstart with the lock held. */
export async function startVm(
  state: State,
  node: Node,
  vmid: number,
  worker: Worker,
): Promise<void> {
  const vm = loadVm(state, vmid, node.name);
  const suspended = vm.config.get('lock') === 'suspended';
  if (!suspended) checkLock(vm);
  if (vm.power === 'running') die(`VM ${vmid} already running`);
  if (isTemplate(vm)) die("you can't start a vm if it's a template");
  vm.rebooting = false;
  applyPending(state, vm);
  if (writeSeed(state, vm)) worker.log('generating cloud-init ISO');
  warnEfi(vm, worker);
  for (const [, drive] of drivesOf(vm.config)) {
    if (drive.file === 'none' || drive.file === 'cdrom') continue;
    needVolume(state, drive.file, node.name);
  }
  await worker.work(durationOf(state, 'qmstart'));
  checkNets(state, node, vm, worker);
  if (vm.brokenQemu === true) {
    worker.log('kvm: -nosuchoption: invalid option');
    die('start failed: QEMU exited with code 1');
  }
  if (suspended) forgetState(state, vm);
  run(state, node, vm);
}

export function run(state: State, node: Node, vm: Vm): void {
  node.nextPid += 13;
  const startedAt = state.clock.now();
  vm.loose?.clear();
  Object.assign(vm, { power: 'running', qmp: 'running', startedAt, pid: node.nextPid });
}

export function halt(vm: Vm): void {
  Object.assign(vm, { power: 'stopped', qmp: 'stopped', pid: 0 });
}

function warnEfi(vm: Vm, worker: Worker): void {
  if (vm.config.get('bios') !== 'ovmf' || vm.config.has('efidisk0')) return;
  worker.warn('no efidisk configured! Using temporary efivars disk.');
}

/** A bridge is looked for only when the NIC is to be plugged in. */
function checkNets(state: State, node: Node, vm: Vm, worker: Worker): void {
  for (const [option, value] of vm.config) {
    const [, index] = /^net(\d+)$/.exec(option) ?? [];
    const { bridge, tag } = index === undefined ? {} : parseNet(value);
    if (bridge === undefined || node.bridges.has(bridge)) continue;
    if (node.sdn.bridges.has(bridge)) {
      const vnet = state.sdn.running.vnets.get(bridge);
      if (tag === undefined || vnet?.['vlanaware'] === '1') continue;
      worker.log(
        `vm vlans are not allowed on vnet ${bridge} at /usr/share/perl5/PVE/Network/SDN/Zones/Plugin.pm line 256.`,
      );
      die('start failed: QEMU exited with code 1');
    }
    const text = `bridge '${bridge}' does not exist`;
    if (state.version === '9.1') die(text);
    worker.log(text);
    worker.log(
      `kvm: -netdev type=tap,id=${option},ifname=tap${vm.vmid}i${index}: network script failed`,
    );
    die('start failed: QEMU exited with code 1');
  }
}

/** Throws saved memory away, with the lock that stands for it. */
export function forgetState(state: State, vm: Vm): void {
  const file = vm.config.get('vmstate');
  const volume = file === undefined ? undefined : findVolume(state, file, vm.node);
  if (volume !== undefined) state.volumes.delete(volume);
  for (const option of ['lock', 'vmstate', 'runningmachine', 'runningcpu'])
    vm.config.delete(option);
}
