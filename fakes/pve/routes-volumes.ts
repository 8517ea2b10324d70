import { type Call, fork } from './call.ts';
import { badParameters, die } from './errors.ts';
import { demandVolume } from './permissions-drives.ts';
import { demand } from './rights.ts';
import type { Volume } from './state.ts';
import {
  activeStorage,
  enabledStorage,
  findVolume,
  free,
  pathOf,
  splitVolumeId,
  storageOf,
  volumeId,
  volumesOn,
} from './storage.ts';

function shown(volume: Volume): Record<string, unknown> {
  const { content: kind, format, size, used, ctime, vmid, parent, notes } = volume;
  const isImage = kind === 'images';
  return {
    ...{ volid: volumeId(volume), content: kind, format, size, ctime },
    ...(vmid === undefined ? {} : { vmid }),
    ...(isImage ? { used, parent: parent ?? null } : {}),
    ...(kind === 'backup' ? { subtype: 'qemu' } : {}),
    ...(notes === undefined ? {} : { notes }),
    ...(volume.protected === true ? { protected: 1 } : {}),
  };
}

/** Only what the caller may read, with the kind and the VM that were asked for. */
export function content(call: Call): object[] {
  const { state, node, params } = call;
  const { storage = '', content: kind, vmid } = params;
  activeStorage(state, storage, node.name);
  const readable = (volume: Volume): boolean => {
    try {
      demandVolume(call, vmid === undefined ? undefined : Number(vmid), volumeId(volume));
      return true;
    } catch {
      return false;
    }
  };
  return volumesOn(state, storage, node.name)
    .filter((volume) => kind === undefined || volume.content === kind)
    .filter((volume) => vmid === undefined || volume.vmid === Number(vmid))
    .filter(readable)
    .map(shown);
}

/** `volume` may come with or without its storage. */
function volidOf({ params }: Call): string {
  const { storage = '', volume = '' } = params;
  return volume.includes(':') ? volume : `${storage}:${volume}`;
}

export function showVolume(call: Call): object {
  const { state, node } = call;
  const volid = volidOf(call);
  demandVolume(call, undefined, volid);
  const [storage] = splitVolumeId(volid);
  enabledStorage(state, storage, node.name);
  const volume = findVolume(state, volid, node.name);
  if (volume === undefined) die(`volume_size_info on '${volid}' failed - no format`);
  const { size, used, format, notes } = volume;
  const path = pathOf(storageOf(state, storage), volume.name);
  return {
    ...{ path, size, used, format },
    ...(notes === undefined ? {} : { notes }),
    ...(volume.protected === true ? { protected: 1 } : {}),
  };
}

export function changeVolume(call: Call): void {
  const volid = volidOf(call);
  demandVolume(call, undefined, volid);
  const volume =
    findVolume(call.state, volid, call.node.name) ?? die(`volume '${volid}' does not exist`);
  if (call.params['notes'] !== undefined) volume.notes = call.params['notes'];
  if (call.params['protected'] !== undefined) volume.protected = call.params['protected'] === '1';
}

export function deleteVolume(call: Call): string {
  const { state, node, caller } = call;
  const volid = volidOf(call);
  const [storage, name] = splitVolumeId(volid);
  enabledStorage(state, storage, node.name);
  const owner = /(?:vm|base|vzdump-qemu)-(\d+)-/.exec(name)?.[1];
  const volume = findVolume(state, volid, node.name);
  if (volume?.content === 'backup' && owner !== undefined) {
    demand(state, caller, `/storage/${storage}`, ['Datastore.AllocateSpace']);
    demand(state, caller, `/vms/${owner}`, ['VM.Backup']);
    if (volume.protected === true) die(`can't remove protected archive '${volid}'`);
  } else {
    demand(state, caller, `/storage/${storage}`, ['Datastore.Allocate']);
  }
  const id = owner === undefined ? storage : `${owner}@${storage}`;
  return fork(call, 'imgdel', id, async (worker) => {
    await worker.work(100);
    if (volume === undefined) {
      worker.log(`disk image '${pathOf(storageOf(state, storage), name)}' does not exist`);
    } else {
      free(state, volume);
    }
    worker.log(`Removed volume '${volid}'`);
  });
}

export function upload(call: Call): string {
  const { state, node, params, files } = call;
  const { storage = '', filename = '', content: kind = 'iso' } = params;
  const place = activeStorage(state, storage, node.name);
  if (!place.content.includes(kind)) {
    badParameters({ content: `storage '${storage}' does not support '${kind}' content` });
  }
  const size = files?.get('filename')?.length ?? 0;
  return fork(call, 'imgcopy', '', async (worker) => {
    worker.log(`target node: ${node.name}`);
    worker.log(`file size is: ${size}`);
    await worker.work(100);
    state.volumes.add({
      ...{ storage, name: `${kind}/${filename}`, content: 'iso', format: 'iso', size, used: size },
      ...(place.shared ? {} : { node: node.name }),
      ctime: Math.floor(state.clock.now() / 1000),
      snapshots: new Map(),
    });
    worker.log('finished file import successfully');
  });
}

/** The fake reaches nothing outside. */
export function download(call: Call): string {
  const { params, state } = call;
  const { url = '', filename = '', storage = '' } = params;
  const host = new URL(url).host;
  return fork(call, 'download', filename, async (worker) => {
    worker.log(`downloading ${url} to ${pathOf(storageOf(state, storage), `iso/${filename}`)}`);
    await worker.work(3000);
    const address = host.includes(':') ? host : `${host}:80`;
    die(`download failed: Connecting to ${address}... failed: No route to host.`);
  });
}
