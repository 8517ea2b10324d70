import { createHash } from 'node:crypto';
import { type Call, durationOf, fork } from './call.ts';
import { die } from './errors.ts';
import { demandVolume } from './permissions-drives.ts';
import { demand } from './rights.ts';
import type { Volume } from './state.ts';
import {
  activeStorage,
  availableBytes,
  enabledStorage,
  findVolume,
  free,
  pathOf,
  splitVolumeId,
  storageOf,
  volumeId,
  volumesOn,
} from './storage.ts';
import { checkUpload, storedName } from './upload-form.ts';

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
    .filter((volume) => !/^iso\/\./.test(volume.name))
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

export function deleteVolume(call: Call): Promise<string | null> | string {
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
  const upid = fork(call, 'imgdel', id, async (worker) => {
    await worker.work(durationOf(state, 'imgdel'));
    if (volume === undefined) {
      worker.log(`disk image '${pathOf(storageOf(state, storage), name)}' does not exist`);
    } else {
      free(state, volume);
    }
    worker.log(`Removed volume '${volid}'`);
  });
  return call.params['delay'] === undefined ? upid : waited(call, upid);
}

/** With `delay` the answer waits for the task: null when it has ended well by then. */
async function waited({ state, params }: Call, upid: string): Promise<string | null> {
  const task = state.tasks.find(upid);
  const late = state.clock.sleep(Number(params['delay']) * 1000).then(() => 'late' as const);
  if (task === undefined || (await Promise.race([task.ended, late])) === 'late') return upid;
  if (task.exit !== 'OK') die(task.exit ?? '');
  return null;
}

/** An existing file of that name is overwritten without a word. */
export function upload(call: Call): string {
  const { state, node, params, files } = call;
  const { storage = '', filename = '', content: kind = '', checksum } = params;
  const content = files?.get('filename') ?? Buffer.alloc(0);
  const name = storedName(filename);
  checkUpload({ fields: fieldsOf(params), file: { name: filename, content } }, name);
  const place = activeStorage(state, storage, node.name);
  if (!place.content.includes(kind)) die(`storage '${storage}' does not support '${kind}' content`);
  const path = pathOf(place, `${kind}/${name}`);
  // The task is that of the node that was asked, also for another node's storage.
  return fork({ ...call, node: call.served }, 'imgcopy', '', async (worker) => {
    worker.log('starting file import from: /var/tmp/pveupload-f62cc973fc31fe422d25db752478df02');
    worker.log(`target node: ${node.name}`);
    worker.log(`target file: ${path}`);
    worker.log(`file size is: ${content.length}`);
    if (checksum !== undefined) checkSum(params, content);
    await worker.work(durationOf(state, 'imgcopy'));
    if (content.length > availableBytes(state, place, node.name)) {
      die(`import failed: cp: error writing '${path}': No space left on device`);
    }
    const old = findVolume(state, `${storage}:${kind}/${name}`, node.name);
    if (old !== undefined) free(state, old);
    state.volumes.add({
      ...{ storage, name: `${kind}/${name}`, content: kind === 'iso' ? 'iso' : 'import' },
      ...{ format: 'iso', size: content.length, used: content.length },
      ...(place.shared ? {} : { node: node.name }),
      ctime: Math.floor(state.clock.now() / 1000),
      data: content.toString('latin1'),
      snapshots: new Map(),
    });
    worker.log('finished file import successfully');
  });
}

function fieldsOf(params: Call['params']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function checkSum(params: Call['params'], content: Buffer): void {
  const { checksum = '', 'checksum-algorithm': algorithm = '' } = params;
  const got = createHash(algorithm).update(content).digest('hex');
  if (got !== checksum.toLowerCase())
    die(`checksum mismatch: got '${got}' != expect '${checksum}'`);
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
