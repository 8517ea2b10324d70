import { type Call, durationOf, flag, fork, locked, type Routes } from './call.ts';
import { disksOf, drivesOf } from './drives.ts';
import { badParameters, die } from './errors.ts';
import { splitList } from './formats.ts';
import { checkLock, findVm, printConfig } from './machines.ts';
import { demandVolume } from './permissions-drives.ts';
import { demand } from './rights.ts';
import type { State, Vm } from './state.ts';
import { enabledStorage, findVolume, needVolume, splitVolumeId, storageOf } from './storage.ts';
import type { Worker } from './worker.ts';

export const backupRoutes: Routes = {
  'POST /nodes/{node}/vzdump': backup,
  'GET /nodes/{node}/vzdump/extractconfig': (call) => {
    const volid = call.params['volume'] ?? '';
    demandVolume(call, undefined, volid);
    const volume = needVolume(call.state, volid, call.node.name);
    return volume.archived ?? die(`unable to extract configuration from '${volid}'`);
  },
};

function backup(call: Call): string {
  const { state, caller, params, node } = call;
  const ids = splitList(params['vmid'] ?? '').map(Number);
  if (ids.length === 0) badParameters({ vmid: 'property is missing and it is not optional' });
  for (const id of ids) demand(state, caller, `/vms/${id}`, ['VM.Backup']);
  const storage = params['storage'] ?? 'local';
  if (!state.storages.has(storage)) {
    die(`could not get storage information for '${storage}': storage '${storage}' does not exist`);
  }
  demand(state, caller, `/storage/${storage}`, ['Datastore.AllocateSpace']);
  const place = enabledStorage(state, storage, node.name);
  if (!place.content.includes('backup')) {
    die(
      `could not get storage information for '${storage}': can't use storage '${storage}' for backups - wrong content type`,
    );
  }
  return fork(call, 'vzdump', ids.length === 1 ? (ids[0] ?? '') : '', async (worker) => {
    worker.log(`INFO: starting new backup job: vzdump ${ids.join(' ')} --storage ${storage}`);
    let failed = false;
    for (const id of ids) failed = !(await dump(call, id, worker)) || failed;
    worker.log('INFO: Backup job finished');
    if (failed) die('job errors');
  });
}

/** One VM's backup; a failure is logged and spoils the job, not the next VM. */
async function dump(call: Call, vmid: number, worker: Worker): Promise<boolean> {
  const { state, node } = call;
  worker.log(`INFO: Starting Backup of VM ${vmid} (qemu)`);
  const vm = findVm(state, vmid, node.name);
  if (vm === undefined) {
    worker.log(`ERROR: Backup of VM ${vmid} failed - unable to find VM '${vmid}'`);
    return false;
  }
  try {
    for (const [, { file }] of vm.power === 'stopped' ? drivesOf(vm.config) : []) {
      if (file !== 'none' && file !== 'cdrom') needVolume(state, file, node.name);
    }
    await locked(call, vmid, worker, async () => {
      checkLock(vm);
      vm.config.set('lock', 'backup');
    });
    try {
      await worker.work(durationOf(state, 'vzdump'));
    } finally {
      vm.config.delete('lock');
    }
    keep(call, vm);
    worker.log(`INFO: Finished Backup of VM ${vmid} (00:00:02)`);
    return true;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    worker.log(`ERROR: Backup of VM ${vmid} failed - ${text}`);
    return false;
  }
}

/** Plants or writes an archive that holds the VM's configuration of now. */
export function archive(
  state: State,
  vm: Vm,
  options: {
    readonly storage: string;
    readonly node: string;
    readonly notes?: string;
    readonly protected?: boolean;
  },
): string {
  const place = storageOf(state, options.storage);
  const now = Math.floor(state.clock.now() / 1000);
  const name = freeArchive(state, place.id, vm.vmid);
  const used = disksOf(vm.config).reduce(
    (sum, [, drive]) => sum + (findVolume(state, drive.file, vm.node)?.used ?? 0),
    0,
  );
  state.volumes.add({
    ...{ storage: place.id, name, vmid: vm.vmid, content: 'backup', format: 'vma.zst' },
    ...(place.shared ? {} : { node: options.node }),
    ...{ size: Math.max(used, 1024), used: Math.max(used, 1024), ctime: now, snapshots: new Map() },
    ...(options.notes === undefined ? {} : { notes: options.notes }),
    ...(options.protected === true ? { protected: true } : {}),
    archived: printConfig(withoutLock(vm)) + mapsOf(vm),
    disks: new Map(
      disksOf(vm.config).map(([option, drive]) => [
        option,
        findVolume(state, drive.file, vm.node)?.data ?? '',
      ]),
    ),
  });
  return `${place.id}:${name}`;
}

function withoutLock(vm: Vm): Vm['config'] {
  return new Map([...vm.config].filter(([option]) => option !== 'lock'));
}

function mapsOf(vm: Vm): string {
  return disksOf(vm.config)
    .map(
      ([option, drive]) =>
        `#qmdump#map:${option}:drive-${option}:${splitVolumeId(drive.file)[0]}::\n`,
    )
    .join('');
}

/** Archives are named by the second, so two within one get different ones. */
function freeArchive(state: State, storage: string, vmid: number): string {
  const taken = new Set([...state.volumes].filter((v) => v.storage === storage).map((v) => v.name));
  for (let later = 0; ; later += 1000) {
    const stamp = new Date(state.clock.now() + later).toISOString();
    const [date = '', time = ''] = stamp.slice(0, 19).split('T');
    const name = `backup/vzdump-qemu-${vmid}-${date.replaceAll('-', '_')}-${time.replaceAll(':', '_')}.vma.zst`;
    if (!taken.has(name)) return name;
  }
}

function keep(call: Call, vm: Vm): void {
  const { state, node, params } = call;
  const notes = params['notes-template'];
  archive(state, vm, {
    ...{
      storage: params['storage'] ?? 'local',
      node: node.name,
      protected: flag(call, 'protected'),
    },
    ...(notes === undefined ? {} : { notes: filled(notes, vm, node.name) }),
  });
}

function filled(template: string, vm: Vm, node: string): string {
  const values: Record<string, string> = {
    ...{ vmid: String(vm.vmid), guestname: vm.config.get('name') ?? '', node, cluster: 'bench' },
  };
  return template
    .replace(/\\n/g, '\n')
    .replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}
