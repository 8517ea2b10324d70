import { type Call, durationOf, flag, fork, locked, vmidOf } from './call.ts';
import { checkKeys } from './config-order.ts';
import { build } from './create-build.ts';
import { isDrive } from './drives.ts';
import { badParameters, denied, die } from './errors.ts';
import { failWrite, newVm } from './machines.ts';
import { demandBridges, demandDevices, demandOptions } from './permissions.ts';
import { demandDrives, demandVolume } from './permissions-drives.ts';
import { restore } from './restore.ts';
import { demand, may } from './rights.ts';
import { startVm } from './start.ts';
import type { Vm, Volume } from './state.ts';
import { free, needVolume } from './storage.ts';
import { demandTags } from './tags.ts';
import type { Worker } from './worker.ts';

/** The steps of `POST qemu`: a new VM, or one out of a backup. */
export function create(call: Call): string {
  const { state, caller, params } = call;
  const vmid = vmidOf(call);
  const { pool, storage, archive, node: _node, vmid: _vmid, ...rest } = params;
  const { start: _start, unique: _unique, force: _force, bwlimit: _limit, ...set } = rest;
  const {
    'live-restore': _live,
    'ha-managed': _ha,
    'import-working-storage': _working,
    ...own
  } = set;
  checkKeys(own['sshkeys']);
  if (pool !== undefined && !state.pools.has(pool)) denied(`pool '${pool}' does not exist`);
  if (storage !== undefined)
    demand(state, caller, `/storage/${storage}`, ['Datastore.AllocateSpace']);
  demandAllocate(call, vmid, pool);
  const subject = { vmid, pool };
  if (archive !== undefined) {
    const drive = Object.keys(own).find(isDrive);
    if (drive !== undefined) badParameters({ [drive]: "option conflicts with option 'archive'" });
    demandVolume(call, vmid, archive);
    needVolume(state, archive, call.node.name);
  }
  demandDrives(call, subject, own);
  demandOptions(call, subject, Object.keys(own));
  demandDevices(call, subject, own, 'set');
  demandBridges(call, own);
  if (own['tags'] !== undefined) demandTags(call, vmid, '', own['tags']);
  if (archive !== undefined) return restore(call, own);
  const vm = reserve(call, vmid, `unable to create VM ${vmid} -`);
  try {
    return fork(call, 'qmcreate', vmid, (worker) => make(call, vm, own, worker));
  } catch (error) {
    state.vms.delete(vmid);
    throw error;
  }
}

/** On the VM, on the pool it comes into, or with a backup of a VM that is there. */
function demandAllocate(
  { state, caller, params }: Call,
  vmid: number,
  pool: string | undefined,
): void {
  if (may(state, caller, `/vms/${vmid}`, ['VM.Allocate'])) return;
  if (pool !== undefined && may(state, caller, `/pool/${pool}`, ['VM.Allocate'])) return;
  const restores =
    params['archive'] !== undefined && params['force'] === '1' && state.vms.has(vmid);
  if (!restores || !may(state, caller, `/vms/${vmid}`, ['VM.Backup'])) denied();
}

/** The id belongs to this VM from here on: a second request for it is refused at once. */
function reserve({ state, node }: Call, vmid: number, failed: string): Vm {
  const taken = state.vms.get(vmid);
  if (taken !== undefined) die(`${failed} VM ${vmid} already exists on node '${taken.node}'`);
  failWrite(state, vmid, node.name, `${failed} `);
  const vm = newVm(state, vmid, node.name, new Map([['lock', 'create']]));
  state.vms.set(vmid, vm);
  return vm;
}

async function make(
  call: Call,
  vm: Vm,
  own: Readonly<Record<string, string>>,
  worker: Worker,
): Promise<void> {
  const { state, node, params } = call;
  const { vmid } = vm;
  const made: Volume[] = [];
  try {
    await locked(
      call,
      vmid,
      worker,
      async () => {
        await worker.work(durationOf(state, 'qmcreate'));
        build(call, vm, own, { worker, made });
        const pool = params['pool'];
        if (pool !== undefined) state.pools.get(pool)?.vms.add(vmid);
      },
      { timeoutMs: 1000 },
    );
  } catch (error) {
    for (const volume of made) free(state, volume);
    state.vms.delete(vmid);
    throw error;
  }
  if (flag(call, 'ha-managed')) state.ha.set(`vm:${vmid}`, { state: 'started' });
  if (!flag(call, 'start')) return;
  worker.log('Execute autostart');
  try {
    const order = { node: node.name, type: 'qmstart', id: vmid, owner: call.caller.id };
    state.tasks.fork(order, (starter) =>
      locked(call, vmid, starter, () => startVm(state, node, vmid, starter)),
    );
  } catch (error) {
    worker.warn(String(error));
  }
}
