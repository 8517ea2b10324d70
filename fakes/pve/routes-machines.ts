import { type Call, durationOf, fork, locked, type Routes, vmidOf } from './call.ts';
import { clone } from './clone.ts';
import { create } from './create.ts';
import { destroy } from './destroy.ts';
import { disksOf, printDrive } from './drives.ts';
import { die } from './errors.ts';
import { checkLock, checkRunning, isTemplate, loadVm } from './machines.ts';
import { migrate, migratePreconditions } from './migrate.ts';
import { may } from './rights.ts';
import { moveDisk, resize } from './routes-disks.ts';
import type { Vm } from './state.ts';
import { current, listed } from './status.ts';
import { canLink, canSnapshot, findVolume, splitVolumeId, storageOf, volumeId } from './storage.ts';

const base = '/nodes/{node}/qemu/{vmid}';

export const machineRoutes: Routes = {
  'GET /nodes/{node}/qemu': list,
  'POST /nodes/{node}/qemu': create,
  [`GET ${base}`]: () =>
    ['config', 'status', 'snapshot', 'agent', 'clone'].map((subdir) => ({ subdir })),
  [`GET ${base}/status`]: () => ['current', 'start', 'stop'].map((subdir) => ({ subdir })),
  [`GET ${base}/status/current`]: (call) =>
    current(call.state, loadVm(call.state, vmidOf(call), call.node.name)),
  [`DELETE ${base}`]: destroy,
  [`POST ${base}/clone`]: clone,
  [`GET ${base}/migrate`]: migratePreconditions,
  [`POST ${base}/migrate`]: migrate,
  [`PUT ${base}/resize`]: resize,
  [`POST ${base}/move_disk`]: moveDisk,
  [`POST ${base}/template`]: template,
  [`GET ${base}/feature`]: feature,
  [`GET ${base}/cloudinit/dump`]: cloudInit,
  [`PUT ${base}/sendkey`]: (call) => {
    const vm = loadVm(call.state, vmidOf(call), call.node.name);
    if (vm.power === 'stopped') die(`VM ${vm.vmid} not running`);
  },
};

function list({ state, caller, node, params }: Call): object[] {
  return [...state.vms.values()]
    .filter((vm) => vm.node === node.name && may(state, caller, `/vms/${vm.vmid}`, ['VM.Audit']))
    .map((vm) => (params['full'] === '1' ? current(state, vm) : listed(state, vm)));
}

/** The disks become base volumes under another name; the VM can only be cloned from then on. */
function template(call: Call): string {
  const { state, node } = call;
  const vm = loadVm(state, vmidOf(call), node.name);
  const check = (): void => {
    checkLock(vm);
    if (vm.snapshots.size > 0) die('unable to create template, because VM contains snapshots');
    if (isTemplate(vm)) die("you can't convert a template to a template");
    if (vm.power === 'running') die("you can't convert a VM to template if VM is running");
  };
  check();
  return fork(call, 'qmtemplate', vm.vmid, (worker) =>
    locked(call, vm.vmid, worker, async () => {
      check();
      await worker.work(durationOf(state, 'qmtemplate'));
      vm.config.set('template', '1');
      for (const [option, drive] of disksOf(vm.config)) {
        const volume = findVolume(state, drive.file, vm.node);
        if (volume === undefined) continue;
        volume.name = volume.name.replace(/(^|\/)vm-(\d+-disk-\d+[^/]*)$/, '$1base-$2');
        vm.config.set(option, printDrive({ ...drive, file: volumeId(volume) }));
      }
    }),
  );
}

function feature(call: Call): object {
  const { state, node, params } = call;
  const vm = checkRunning(state, vmidOf(call), node.name);
  const tests: Record<string, (vm: Vm) => boolean> = {
    snapshot: (one) => everyDisk(call, one, canSnapshot),
    clone: (one) => everyDisk(call, one, canLink),
    copy: () => true,
  };
  const has = tests[params['feature'] ?? '']?.(vm) ?? false;
  const shared = disksOf(vm.config).every(
    ([, drive]) => storageOf(state, splitVolumeId(drive.file)[0]).shared,
  );
  return { hasFeature: has ? 1 : 0, nodes: shared ? [...state.nodes.keys()] : [node.name] };
}

function everyDisk({ state, node }: Call, vm: Vm, test: typeof canSnapshot): boolean {
  return disksOf(vm.config).every(([, drive]) => {
    const volume = findVolume(state, drive.file, node.name);
    return volume !== undefined && test(storageOf(state, volume.storage), volume);
  });
}

/** The data that the guest would be given; only what a client can tell by it. */
function cloudInit(call: Call): string {
  const { config } = loadVm(call.state, vmidOf(call), call.node.name);
  if (call.params['type'] !== 'user') return `type: ${call.params['type']}\n`;
  const keys = decodeURIComponent(config.get('sshkeys') ?? '')
    .split('\n')
    .filter((key) => key !== '');
  return [
    '#cloud-config',
    `hostname: ${config.get('name') ?? `VM${call.params['vmid']}`}`,
    ...(config.has('ciuser') ? [`user: ${config.get('ciuser')}`] : []),
    ...(keys.length > 0 ? ['ssh_authorized_keys:', ...keys.map((key) => `  - ${key}`)] : []),
    '',
  ].join('\n');
}
