import { type Call, durationOf, forkTask, type Routes, vmidOf } from './call.ts';
import { applyPending, keepUnused, makeDrive } from './config-apply.ts';
import {
  type Change,
  changeOf,
  checkBalloon,
  checkBoot,
  checkHookScript,
  checkKeys,
  checkVolume,
} from './config-order.ts';
import { readConfig, readPending } from './config-read.ts';
import { isDrive } from './drives.ts';
import { badParameters, die } from './errors.ts';
import {
  checkLock,
  checkProtection,
  digestOf,
  failWrite,
  loadVm,
  randomId,
  randomMac,
  withPending,
} from './machines.ts';
import { demandBridges, demandDevices, demandOptions, oldNets } from './permissions.ts';
import { demandDrives } from './permissions-drives.ts';
import { parseNet, printNet } from './property-string.ts';
import { forgetState } from './start.ts';
import type { Vm } from './state.ts';
import { findVolume } from './storage.ts';
import { demandTags, tidyTags } from './tags.ts';
import type { Params } from './verify.ts';

export const configRoutes: Routes = {
  'GET /nodes/{node}/qemu/{vmid}/config': readConfig,
  'GET /nodes/{node}/qemu/{vmid}/pending': readPending,
  'PUT /nodes/{node}/qemu/{vmid}/config': (call) => update(call, call.params, true),
  'POST /nodes/{node}/qemu/{vmid}/config': (call) => update(call, call.params, false),
  'PUT /nodes/{node}/qemu/{vmid}/unlink': (call) => {
    const { idlist = '', ...rest } = call.params;
    return update(call, { ...rest, delete: idlist }, true);
  },
};

async function update(call: Call, params: Params, sync: boolean): Promise<string | null> {
  const { state, node } = call;
  const vmid = vmidOf(call);
  const change = changeOf(call, params);
  const subject = { vmid };
  checkKeys(change.set['sshkeys']);
  checkHookScript(call, change.set);
  demandOptions(call, subject, change.remove);
  demandDevices(call, subject, change.set, 'modify');
  demandOptions(call, subject, Object.keys(change.set));
  demandDrives(call, subject, change.set);
  demandBridges(call, oldNets(state, vmid, [...change.remove, ...Object.keys(change.set)]));
  demandBridges(call, change.set);
  return state.locks.hold({ node: node.name, vmid }, async () => {
    const vm = loadVm(state, vmid, node.name);
    const { digest } = params;
    if (digest !== undefined && digest !== digestOf(vm)) {
      die('checksum mismatch (file change by other user?)');
    }
    const forgets = change.remove.includes('vmstate') && vm.config.get('lock') === 'suspended';
    if (forgets) forgetState(state, vm);
    checkLock(vm);
    // Its disks are made first: their volumes stay when the configuration cannot be written.
    if (!state.quorate) makeVolumes(call, change);
    failWrite(state, vmid, node.name);
    checkBalloon(vm, change.set);
    if (sync) {
      carryOut(call, vm, change, () => {});
      return null;
    }
    const shown = Object.entries(change.set)
      .sort()
      .map(([option, value]) => `-${option} ${option === 'cipassword' ? '<hidden>' : value}`);
    const task = forkTask(call, 'qmconfig', vmid, async (worker) => {
      worker.log(`update VM ${vmid}: ${shown.join(' ')}`);
      await worker.work(durationOf(state, 'qmconfig'));
      carryOut(call, vm, change, (line) => worker.log(line));
    });
    return task.upid;
  });
}

function makeVolumes(call: Call, { set }: Change): void {
  const { state, node } = call;
  const place = { node: node.name, vmid: vmidOf(call) };
  for (const [option, value] of Object.entries(set)) {
    if (isDrive(option)) makeDrive(state, place, option, value);
  }
}

/** Writes the changes down as pending ones, then brings into force what can be. */
function carryOut(call: Call, vm: Vm, change: Change, log: (line: string) => void): void {
  const { state } = call;
  for (const option of change.revert) {
    // A drive that is new and waits is taken away like one that is deleted.
    if (!vm.config.has(option) && vm.pending.has(option)) removeOne(call, vm, option, false);
    vm.pending.delete(option);
    vm.pendingDelete.delete(option);
  }
  for (const option of change.remove) removeOne(call, vm, option, change.force);
  for (const [option, value] of Object.entries(change.set))
    setOne(call, vm, { option, value, change, log });
  for (const [option, value] of [...vm.pending]) {
    if (vm.config.get(option) === value) vm.pending.delete(option);
  }
  const errors = applyPending(state, vm);
  if (Object.keys(errors).length > 0) badParameters(errors);
}

function removeOne(call: Call, vm: Vm, option: string, force: boolean): void {
  const { state } = call;
  const value = vm.config.get(option) ?? vm.pending.get(option);
  if (value === undefined) return;
  if (isDrive(option)) checkProtection(vm, `can't remove drive '${option}'`);
  if (/^unused/.test(option)) checkProtection(vm, `can't remove unused disk '${value}'`);
  if (option === 'tags') demandTags(call, vm.vmid, value, '');
  if (/^unused/.test(option) && (findVolume(state, value, vm.node)?.snapshots.size ?? 0) > 0) {
    die(`unable to delete '${value}' - volume is still in use (snapshot?)`);
  }
  dropFromBoot(vm, option);
  const pending = vm.pending.get(option);
  vm.pending.delete(option);
  if (pending !== undefined && isDrive(option)) keepUnused(state, vm, pending, false);
  if (vm.config.has(option)) vm.pendingDelete.set(option, force);
}

function dropFromBoot(vm: Vm, option: string): void {
  const boot = withPending(vm).get('boot') ?? '';
  const [, list = ''] = /^order=(.*)$/.exec(boot) ?? [];
  const devices = list.split(';');
  if (!devices.includes(option)) return;
  vm.pending.set('boot', `order=${devices.filter((device) => device !== option).join(';')}`);
}

interface Setting {
  readonly option: string;
  readonly value: string;
  readonly change: Change;
  readonly log: (line: string) => void;
}

function setOne(call: Call, vm: Vm, { option, value, change, log }: Setting): void {
  const { state, node } = call;
  const place = { node: node.name, vmid: vm.vmid };
  let text = normalised(option, value);
  if (option === 'tags') {
    demandTags(call, vm.vmid, vm.config.get('tags') ?? '', value);
    text = tidyTags(state, value);
  }
  if (option === 'boot') checkBoot(vm, text, change);
  if (isDrive(option)) {
    if (/:iso\//.test(text) && !/media=cdrom/.test(text)) {
      badParameters({ [option]: "explicit 'media=cdrom' is required for iso images" });
    }
    checkVolume(call, text);
    const made = makeDrive(state, place, option, text);
    for (const line of made.log) log(line);
    text = made.value;
  }
  vm.pendingDelete.delete(option);
  vm.pending.set(option, text);
}

/** The text as Proxmox would write it: a NIC gets its address, a generation id is made. */
export function normalised(option: string, value: string): string {
  if (/^net\d+$/.test(option)) {
    const net = parseNet(value);
    return printNet({ ...net, macaddr: net['macaddr'] ?? randomMac() });
  }
  if (option === 'vmgenid' && value === '1') return randomId();
  if (option === 'cipassword' && !value.startsWith('$5$'))
    return `$5$fake$${Buffer.from(value).toString('hex')}`;
  return value;
}
