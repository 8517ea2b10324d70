import { type Call, durationOf } from './call.ts';
import { formatting } from './config-apply.ts';
import { type Drive, isCloudInit, printDrive } from './drives.ts';
import { die } from './errors.ts';
import { printSize } from './property-string.ts';
import type { Vm, Volume } from './state.ts';
import {
  activeStorage,
  allocate,
  availableBytes,
  isFiles,
  needVolume,
  pathOf,
  storageOf,
  volumeId,
} from './storage.ts';
import type { Worker } from './worker.ts';

/** The facts about a clone that the copy of a drive needs. */
interface Plan {
  readonly source: Vm;
  readonly full: boolean;
  readonly newid: number;
}

interface Copying {
  readonly option: string;
  readonly drive: Drive;
  readonly worker: Worker;
  readonly made: Volume[];
}

export async function copyDrive(call: Call, plan: Plan, copying: Copying): Promise<string> {
  const { option, drive, worker } = copying;
  const full = plan.full || isCloudInit(drive);
  worker.log(`create ${full ? 'full' : 'linked'} clone of drive ${option} (${drive.file})`);
  const volume = full ? await copyFully(call, plan, copying) : await link(call, plan, copying);
  const { file: _file, format: _format, size: _size, ...rest } = drive;
  return printDrive({ ...rest, file: volumeId(volume), size: printSize(volume.size) });
}

async function link(
  call: Call,
  { newid }: Plan,
  { drive, worker, made }: Copying,
): Promise<Volume> {
  const { state, node } = call;
  const base = needVolume(state, drive.file, node.name);
  const storage = storageOf(state, base.storage);
  await worker.work(durationOf(state, 'linkedclone'));
  const volume = allocate(state, {
    ...{ storage: base.storage, node: node.name, vmid: newid, size: base.size, used: 200_000 },
    ...{ parent: base.name, format: 'qcow2', data: base.data },
  });
  made.push(volume);
  const short = volume.name.split('/').at(-1);
  if (!isFiles(storage)) {
    worker.log(`  Logical volume "${short}" created.`);
    return volume;
  }
  worker.log(`clone ${base.name}: images, ${short}, ${newid} to ${short} (base=../${base.name})`);
  const more = ` backing_file=../${base.name} backing_fmt=${base.format}`;
  worker.log(formatting(storage.path, `${newid}/${short}`, 'qcow2', base.size, more));
  return volume;
}

async function copyFully(call: Call, { newid, source }: Plan, copying: Copying): Promise<Volume> {
  const { state, node, params } = call;
  const { drive, worker, made } = copying;
  const from = needVolume(state, drive.file, node.name);
  const storage = activeStorage(state, params['storage'] ?? from.storage, node.name);
  const cloudInit = isCloudInit(drive);
  const format = isFiles(storage)
    ? (params['format'] ?? (from.format === 'raw' ? 'raw' : 'qcow2'))
    : 'raw';
  const to = allocate(state, {
    ...{ storage: storage.id, node: node.name, vmid: newid, size: from.size, used: 0, format },
    ...(cloudInit ? { kind: 'cloudinit' } : {}),
  });
  made.push(to);
  if (isFiles(storage)) worker.log(formatting(storage.path, to.name, format, to.size));
  if (cloudInit) return to;
  const size = human(from.size);
  worker.log(`transferred 0.0 B of ${size} (0.00%)`);
  const limit = Number(params['bwlimit'] ?? 0);
  const command = convert(call, { from, to, limit });
  worker.onSignal(`clone failed: copy failed: command '${command}' failed: interrupted by signal`);
  const usual = durationOf(state, 'qmclone') * (source.power === 'running' ? 2 : 1);
  await worker.work(limit > 0 ? (from.size / (limit * 1024)) * 1000 : usual);
  if (from.used > availableBytes(state, storage, node.name)) {
    worker.log(`transferred ${human(from.size / 2)} of ${size} (50.00%)`);
    die(`copy failed: command '${command}' failed: exit code 1`);
  }
  worker.log(`transferred ${size} of ${size} (100.00%)`);
  Object.assign(to, { used: from.used, data: dataOf(from, params['snapname']) });
  return to;
}

/** The drives that are copied: the volume of now, or of a snapshot. */
function dataOf(volume: Volume, snapshot: string | undefined): string {
  const saved = snapshot === undefined ? undefined : volume.snapshots.get(snapshot)?.data;
  return saved ?? volume.data ?? '';
}

interface Converting {
  readonly from: Volume;
  readonly to: Volume;
  readonly limit: number;
}

function convert({ state }: Call, { from, to, limit }: Converting): string {
  const rate = limit > 0 ? ` -r ${limit}K` : '';
  const source = pathOf(storageOf(state, from.storage), from.name);
  const aim = pathOf(storageOf(state, to.storage), to.name);
  return `/usr/bin/qemu-img convert -p -n${rate} -f ${from.format} -O ${to.format} ${source} zeroinit:${aim}`;
}

function human(bytes: number): string {
  return bytes >= 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
    : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
