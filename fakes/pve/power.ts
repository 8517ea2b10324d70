import { type Call, durationOf, flag, fork, locked, type Routes, vmidOf } from './call.ts';
import { disksOf } from './drives.ts';
import { badParameters, die } from './errors.ts';
import { requestState } from './ha.ts';
import { checkLock, checkRunning, demandQuorum } from './machines.ts';
import { quit, reboot } from './reboot.ts';
import { askGuest } from './shutdown.ts';
import { halt, startVm } from './start.ts';
import type { Vm } from './state.ts';
import { allocate, storageOf } from './storage.ts';
import type { Worker } from './worker.ts';

export const powerRoutes: Routes = {
  'POST /nodes/{node}/qemu/{vmid}/status/start': start,
  'POST /nodes/{node}/qemu/{vmid}/status/stop': stop,
  'POST /nodes/{node}/qemu/{vmid}/status/shutdown': shutdown,
  'POST /nodes/{node}/qemu/{vmid}/status/reboot': reboot,
  'POST /nodes/{node}/qemu/{vmid}/status/reset': (call) => switchQemu(call, 'qmreset', () => {}),
  'POST /nodes/{node}/qemu/{vmid}/status/suspend': suspend,
  'POST /nodes/{node}/qemu/{vmid}/status/resume': (call) =>
    switchQemu(call, 'qmresume', (vm) => Object.assign(vm, { qmp: 'running' })),
};

function rootOnly(call: Call, ...names: string[]): void {
  const used = names.filter((name) => call.params[name] !== undefined);
  if (used.length === 0 || call.caller.id === 'root@pam') return;
  badParameters(Object.fromEntries(used.map((name) => [name, 'Only root may use this option.'])));
}

function start(call: Call): string {
  const { state } = call;
  const vmid = vmidOf(call);
  rootOnly(call, 'skiplock', 'stateuri', 'migratedfrom', 'force-cpu', 'machine');
  demandQuorum(state);
  if (state.ha.has(`vm:${vmid}`)) return requestState(call, vmid, 'started', 'hastart');
  return fork(call, 'qmstart', vmid, (worker) =>
    locked(call, vmid, worker, () => startVm(state, call.node, vmid, worker)),
  );
}

function stop(call: Call): string {
  const { state, node } = call;
  const vmid = vmidOf(call);
  rootOnly(call, 'skiplock', 'keepActive', 'migratedfrom');
  if (state.ha.has(`vm:${vmid}`)) return requestState(call, vmid, 'stopped', 'hastop');
  return fork(call, 'qmstop', vmid, async (worker) => {
    if (flag(call, 'overrule-shutdown')) overrule(call, vmid, worker);
    await locked(call, vmid, worker, async () => {
      const vm = checkRunning(state, vmid, node.name);
      if (vm.power === 'stopped') return;
      refuseLocked(vm);
      await worker.work(durationOf(state, 'qmstop'));
      quit(call, vm);
    });
  });
}

/** Stopping works on backups and the like; what is being moved or made is left alone. */
function refuseLocked(vm: Vm): void {
  const lock = vm.config.get('lock');
  if (lock !== undefined && lock !== 'backup') checkLock(vm);
}

function overrule(call: Call, vmid: number, worker: Worker): void {
  const shutdowns = call.state.tasks
    .running('qmshutdown')
    .filter((task) => task.id === String(vmid) && task.node === call.node.name);
  for (const task of shutdowns) task.interrupt();
  if (shutdowns.length > 0) {
    worker.log(`overruled qmshutdown tasks: ${shutdowns.map(({ upid }) => upid).join(', ')}`);
  }
}

function shutdown(call: Call): string {
  const { state, node } = call;
  const vmid = vmidOf(call);
  rootOnly(call, 'skiplock', 'keepActive');
  if (state.ha.has(`vm:${vmid}`)) return requestState(call, vmid, 'stopped', 'hastop');
  return fork(call, 'qmshutdown', vmid, (worker) =>
    locked(call, vmid, worker, async () => {
      const vm = checkRunning(state, vmid, node.name);
      if (vm.power === 'stopped') return;
      refuseLocked(vm);
      const timeout = Number(call.params['timeout'] ?? 180) * 1000;
      await askGuest(state, vm, worker, { timeout, force: flag(call, 'forceStop') });
      quit(call, vm);
    }),
  );
}

/** The effect on a QEMU that runs: reset, resume. */
function switchQemu(call: Call, type: string, change: (vm: Vm) => void): string {
  const { state, node } = call;
  const vmid = vmidOf(call);
  rootOnly(call, 'skiplock');
  const vm = findRunning(call);
  if (type === 'qmresume' && vm.config.get('lock') === 'suspended') {
    return fork(call, type, vmid, (worker) =>
      locked(call, vmid, worker, () => startVm(state, node, vmid, worker)),
    );
  }
  if (vm.power === 'stopped') die(`VM ${vmid} not running`);
  return fork(call, type, vmid, (worker) =>
    locked(call, vmid, worker, async () => {
      const running = checkRunning(state, vmid, node.name);
      if (type === 'qmreset') checkLock(running);
      await worker.work(durationOf(state, type));
      change(running);
    }),
  );
}

function findRunning(call: Call): Vm {
  return checkRunning(call.state, vmidOf(call), call.node.name);
}

/** Pauses it, or saves its memory to disk and stops it. */
function suspend(call: Call): string {
  const { state } = call;
  const vmid = vmidOf(call);
  rootOnly(call, 'skiplock');
  const vm = findRunning(call);
  if (vm.power === 'stopped') die(`VM ${vmid} not running`);
  if (!flag(call, 'todisk')) {
    return switchQemu(call, 'qmpause', (running) => Object.assign(running, { qmp: 'paused' }));
  }
  return fork(call, 'qmsuspend', vmid, async (worker) => {
    await locked(call, vmid, worker, async () => {
      checkLock(vm);
      vm.config.set('lock', 'suspending');
    });
    await worker.work(durationOf(state, 'qmsuspend'));
    const [, disk] = disksOf(vm.config)[0] ?? [];
    const storage = call.params['statestorage'] ?? disk?.file.split(':')[0] ?? 'local';
    const { name } = allocate(state, {
      ...{ storage: storageOf(state, storage).id, node: vm.node, vmid },
      ...{ size: 2 ** 30, kind: `state-suspend-2026-11-24` },
    });
    vm.config.set('lock', 'suspended');
    vm.config.set('vmstate', `${storage}:${name}`);
    halt(vm);
  });
}
