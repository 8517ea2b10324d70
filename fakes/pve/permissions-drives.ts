import type { Call } from './call.ts';
import { isCdrom, isDrive, newVolume, parseDrive } from './drives.ts';
import { die } from './errors.ts';
import type { Subject } from './permissions.ts';
import { demand, demandForVm, may } from './rights.ts';
import { demandImages, splitVolumeId, storageOf } from './storage.ts';

/** Rights on what drives use: space on their storage, or the volume they name. */
export function demandDrives(
  call: Call,
  subject: Subject,
  params: Readonly<Record<string, string>>,
): void {
  const { state, caller } = call;
  for (const [option, value] of Object.entries(params)) {
    if (!isDrive(option)) continue;
    const drive = parseDrive(value);
    const wanted = newVolume(drive);
    if (drive.file === 'none' || drive.file === 'cdrom') {
      if (drive.file === 'cdrom') demandForVm(state, caller, subject, ['VM.Config.CDROM']);
      continue;
    }
    if (wanted !== undefined) {
      const storage = storageOf(state, wanted.storage);
      demand(state, caller, `/storage/${wanted.storage}`, ['Datastore.AllocateSpace']);
      demandImages(storage);
      if (drive['import-from'] !== undefined) demandSource(call, subject, drive['import-from']);
      continue;
    }
    storageOf(state, splitVolumeId(drive.file)[0]);
    demandVolume(call, subject.vmid, drive.file);
    if (isCdrom(drive)) demandForVm(state, caller, subject, ['VM.Config.CDROM']);
  }
}

/** Copying another VM's disk is what cloning is, and takes the same right; so has qemu-server it. */
function demandSource(call: Call, { vmid }: Subject, volid: string): void {
  const owner = /(?:^|[:/])(?:vm|base)-(\d+)-/.exec(volid)?.[1];
  if (owner === undefined) demandVolume(call, vmid, volid);
  else demand(call.state, call.caller, `/vms/${owner}`, ['VM.Clone']);
}

/** Reading a volume: ISO images by right on the storage, others only for their owner. */
export function demandVolume(
  { state, caller }: Call,
  vmid: number | undefined,
  volid: string,
): void {
  const [storage, name] = splitVolumeId(volid);
  if (volid.startsWith('/') || !state.storages.has(storage)) {
    if (volid.startsWith('/') && caller.id === 'root@pam') return;
    if (volid.startsWith('/')) die('Only root can pass arbitrary filesystem paths.');
    return;
  }
  if (may(state, caller, `/storage/${storage}`, ['Datastore.Allocate'])) return;
  // A linked copy is named after its base first: `9000/base-9000-disk-0.qcow2/101/vm-101-disk-0.qcow2`.
  const owner = [...name.matchAll(/(?:^|\/)(?:vm|base)-(\d+)-/g)].pop()?.[1];
  const archived = /^backup\/vzdump-qemu-(\d+)-/.exec(name)?.[1];
  if (/^(iso|vztmpl|import|snippets)\//.test(name)) {
    demand(
      state,
      caller,
      `/storage/${storage}`,
      ['Datastore.AllocateSpace', 'Datastore.Audit'],
      true,
    );
  } else if (owner !== undefined && Number(owner) === vmid) {
    return;
  } else if (archived !== undefined) {
    if (Number(archived) === vmid) return;
    demand(state, caller, `/storage/${storage}`, ['Datastore.AllocateSpace']);
    demand(state, caller, `/vms/${archived}`, ['VM.Backup']);
  } else {
    demand(state, caller, `/storage/${storage}`, ['Datastore.Allocate']);
  }
}
