import { type Call, durationOf, flag, fork, locked, vmidOf } from './call.ts';
import { normalised } from './config-change.ts';
import { disksOf, printDrive } from './drives.ts';
import { die } from './errors.ts';
import { checkProtection, failWrite, newVm, parseConfig, randomId, randomMac } from './machines.ts';
import { parseNet, parseSize, printNet } from './property-string.ts';
import { startVm } from './start.ts';
import type { Config, State, Vm } from './state.ts';
import { allocate, findVolume, free, needVolume, splitVolumeId, volumeId } from './storage.ts';
import type { Worker } from './worker.ts';

/** A VM out of a backup: under a free id, or in place of one when `force` is given. */
export function restore(call: Call, own: Readonly<Record<string, string>>): string {
  const { state, node, params } = call;
  const vmid = vmidOf(call);
  const failed = `unable to restore VM ${vmid} -`;
  const taken = state.vms.get(vmid);
  if (taken !== undefined && (!flag(call, 'force') || taken.node !== node.name)) {
    die(`${failed} VM ${vmid} already exists on node '${taken.node}'`);
  }
  if (taken?.config.has('lock') === true)
    die(`${failed} VM is locked (${taken.config.get('lock')})`);
  failWrite(state, vmid, node.name, `${failed} `);
  const vm = taken ?? newVm(state, vmid, node.name, new Map());
  vm.config.set('lock', 'create');
  state.vms.set(vmid, vm);
  return fork(call, 'qmrestore', vmid, async (worker) => {
    try {
      await locked(call, vmid, worker, async () => {
        checkProtection(vm, failed);
        if (vm.power === 'running') die(`${failed} vm is running`);
        await unpack(call, vm, own, worker);
        const pool = params['pool'];
        if (pool !== undefined) state.pools.get(pool)?.vms.add(vmid);
      });
    } catch (error) {
      vm.config.delete('lock');
      worker.log(
        'error before or during data restore, some or all disks were not completely restored. ' +
          `VM ${vmid} state is NOT cleaned up.`,
      );
      throw error;
    }
    if (!flag(call, 'start')) return;
    worker.log('Execute autostart');
    const order = { node: node.name, type: 'qmstart', id: vmid, owner: call.caller.id };
    state.tasks.fork(order, (starter) =>
      locked(call, vmid, starter, () => startVm(state, node, vmid, starter)),
    );
  });
}

async function unpack(
  call: Call,
  vm: Vm,
  own: Readonly<Record<string, string>>,
  worker: Worker,
): Promise<void> {
  const { state, node, params } = call;
  const archive = needVolume(state, params['archive'] ?? '', node.name);
  const config = parseConfig(archive.archived ?? die('unable to extract configuration'));
  worker.log(`restore vma archive: zstd -q -d -c ${archive.name}`);
  await worker.work(durationOf(state, 'qmrestore'));
  const kept = dropDisks(state, vm, config);
  for (const [option, drive] of disksOf(config)) {
    const { file, size = '4G', ...rest } = drive;
    const storage = params['storage'] ?? splitVolumeId(file)[0];
    const made = allocate(state, {
      storage,
      node: node.name,
      vmid: vm.vmid,
      size: parseSize(size),
      data: archive.disks?.get(option),
    });
    config.set(option, printDrive({ ...rest, file: volumeId(made), size }));
    worker.log(`new volume ID is '${volumeId(made)}'`);
  }
  if (flag(call, 'unique')) makeUnique(config);
  config.delete('template');
  for (const option of [...config.keys()]) if (/^unused\d+$/.test(option)) config.delete(option);
  for (const [index, file] of kept.entries()) config.set(`unused${index}`, file);
  config.set('vmgenid', randomId());
  for (const [option, value] of Object.entries(own)) config.set(option, normalised(option, value));
  vm.config = config;
  vm.snapshots.clear();
  delete vm.parent;
}

/** The volumes in the places that the archive fills are removed; answers those that the VM keeps. */
function dropDisks(state: State, vm: Vm, archived: Config): readonly string[] {
  const kept = [...vm.config].flatMap(([option, file]) => (/^unused\d+$/.test(option) ? file : []));
  for (const [option, drive] of disksOf(vm.config)) {
    const volume = findVolume(state, drive.file, vm.node);
    if (volume?.vmid !== vm.vmid) continue;
    if (archived.has(option)) free(state, volume);
    else kept.push(drive.file);
  }
  return kept;
}

function makeUnique(config: Config): void {
  for (const [option, value] of config) {
    if (/^net\d+$/.test(option)) {
      config.set(option, printNet({ ...parseNet(value), macaddr: randomMac() }));
    }
  }
  config.set('smbios1', `uuid=${randomId()}`);
}
