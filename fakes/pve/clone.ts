import { type Call, durationOf, fork, locked, vmidOf } from './call.ts';
import { copyDrive } from './clone-drive.ts';
import { drivesOf, isCdrom, isCloudInit } from './drives.ts';
import { denied, die } from './errors.ts';
import {
  checkLock,
  checkRunning,
  demandQuorum,
  isTemplate,
  newVm,
  randomId,
  randomMac,
} from './machines.ts';
import { demandBridges } from './permissions.ts';
import { demandVolume } from './permissions-drives.ts';
import { parseNet, printNet } from './property-string.ts';
import { demand } from './rights.ts';
import type { Config, Vm, Volume } from './state.ts';
import {
  canLink,
  demandImages,
  enabledStorage,
  findVolume,
  free,
  splitVolumeId,
  storageOf,
} from './storage.ts';
import type { Worker } from './worker.ts';

interface Plan {
  readonly source: Vm;
  readonly config: Config;
  readonly full: boolean;
  readonly newid: number;
  readonly target: string | undefined;
}

/** Checks once at once and again with the locks held, as others may come in between. */
export function clone(call: Call): string {
  const { state } = call;
  const vmid = vmidOf(call);
  check(call);
  const running = state.vms.get(vmid)?.power === 'running';
  const source = running ? { timeoutMs: 1000 } : { mode: 'shared' as const, timeoutMs: 1000 };
  const newid = Number(call.params['newid']);
  return fork(call, 'qmclone', vmid, (worker) =>
    locked(call, vmid, worker, () => copyLocked(call, newid, worker), source),
  );
}

function copyLocked(call: Call, newid: number, worker: Worker): Promise<void> {
  return locked(call, newid, worker, () => copy(call, check(call), worker), { timeoutMs: 1000 });
}

function check(call: Call): Plan {
  const { state, node, params } = call;
  const vmid = vmidOf(call);
  const newid = Number(params['newid']);
  const { pool, storage, format, snapname } = params;
  const target = params['target'] === node.name ? undefined : params['target'];
  if (pool !== undefined && !state.pools.has(pool)) denied(`pool '${pool}' does not exist`);
  if (target !== undefined && !state.nodes.has(target)) die(`no such cluster node '${target}'`);
  if (storage !== undefined) {
    const found = enabledStorage(state, storage, node.name);
    if (target !== undefined && !found.shared)
      die(`can't clone to non-shared storage '${storage}'`);
  }
  demandQuorum(state);
  const source = checkRunning(state, vmid, node.name);
  checkLock(source);
  const snapshot = snapname === undefined ? undefined : source.snapshots.get(snapname);
  if (snapname !== undefined && snapshot === undefined)
    die(`snapshot '${snapname}' does not exist`);
  const full = params['full'] === undefined ? !isTemplate(source) : params['full'] === '1';
  if (!full && storage !== undefined) die("parameter 'storage' not allowed for linked clones");
  if (!full && format !== undefined) die("parameter 'format' not allowed for linked clones");
  const config = snapshot?.config ?? source.config;
  const shared = demandCopy(call, config, storage);
  if (target !== undefined && !shared)
    die(`can't clone VM to node '${target}' (VM uses local storage)`);
  if (state.vms.has(newid)) die(`unable to create VM ${newid}: config file already exists`);
  if (!full) demandLinks(call, config);
  return { source, config, full, newid, target };
}

/** Rights on what is copied and where to; answers whether all of it is on shared storage. */
function demandCopy(call: Call, config: Config, storage: string | undefined): boolean {
  const { state, caller } = call;
  demandBridges(call, Object.fromEntries(config));
  const places = drivesOf(config).map(([, drive]) => {
    if (drive.file === 'none' || drive.file === 'cdrom') return true;
    const own = splitVolumeId(drive.file)[0];
    if (isCdrom(drive) && !isCloudInit(drive)) {
      demandVolume(call, undefined, drive.file);
      return storageOf(state, own).shared;
    }
    const place = storageOf(state, storage ?? own);
    demand(state, caller, `/storage/${place.id}`, ['Datastore.AllocateSpace']);
    demandImages(place);
    return place.shared && storageOf(state, own).shared;
  });
  return places.every((shared) => shared);
}

function demandLinks({ state, node }: Call, config: Config): void {
  for (const [option, drive] of drivesOf(config)) {
    if (isCdrom(drive)) continue;
    const volume = findVolume(state, drive.file, node.name);
    const [storage] = splitVolumeId(drive.file);
    if (volume !== undefined && canLink(storageOf(state, storage), volume)) continue;
    die(`Linked clone feature is not supported for '${drive.file}' (${option})`);
  }
}

/** The options of the clone beside its disks: everything of the source but its identity. */
function inherited(call: Call, plan: Plan): Config {
  const { params } = call;
  const { source, config } = plan;
  const own: Config = new Map();
  for (const [option, value] of config) {
    if (
      /^(parent|snaptime|vmstate|snapstate|template|lock|runningmachine|runningcpu|unused\d+)$/.test(
        option,
      )
    )
      continue;
    own.set(option, /^net\d+$/.test(option) ? withNewMac(value) : value);
  }
  own.set('smbios1', `uuid=${randomId()}`);
  if (own.has('vmgenid')) own.set('vmgenid', randomId());
  own.set('name', params['name'] ?? `Copy-of-VM-${config.get('name') ?? source.vmid}`);
  const description = params['description'] ?? '';
  if (description !== '') own.set('description', description);
  return own;
}

function withNewMac(value: string): string {
  return printNet({ ...parseNet(value), macaddr: randomMac() });
}

async function copy(call: Call, plan: Plan, worker: Worker): Promise<void> {
  const { state, node, params } = call;
  const { newid, target } = plan;
  const final = inherited(call, plan);
  const placeholder = new Map([
    ['lock', 'clone'],
    ['description', ' qmclone temporary file'],
  ]);
  const vm = newVm(state, newid, node.name, placeholder);
  state.vms.set(newid, vm);
  const made: Volume[] = [];
  worker.onSignal('clone failed: interrupted by signal');
  try {
    for (const [option, drive] of drivesOf(plan.config)) {
      if (isCdrom(drive) && !isCloudInit(drive)) continue;
      final.set(option, await copyDrive(call, plan, { option, drive, worker, made }));
      vm.config = new Map([...final, ['lock', 'clone']]);
    }
    if (made.length === 0) await worker.work(durationOf(state, 'linkedclone'));
    vm.config = final;
    if (target !== undefined) vm.node = target;
    const pool = params['pool'];
    if (pool !== undefined) state.pools.get(pool)?.vms.add(newid);
  } catch (error) {
    for (const volume of made) free(state, volume);
    state.vms.delete(newid);
    const text = error instanceof Error ? error.message : String(error);
    throw text.startsWith('clone failed')
      ? error
      : Object.assign(error as Error, { message: `clone failed: ${text}` });
  }
}
