import { type Call, durationOf, fork, locked, vmidOf } from './call.ts';
import { die } from './errors.ts';
import { watchOver } from './ha.ts';
import { checkLock, checkRunning, findVm } from './machines.ts';
import { askGuest } from './shutdown.ts';
import { halt, startVm } from './start.ts';
import type { Node, State, Vm } from './state.ts';

type Place = Pick<Call, 'state' | 'node'>;

/**
 * Asks the guest to go and ends when it has; a file says meanwhile that the VM is to come back, which
 * is taken away when the guest does not go or the worker is interrupted.
 */
export function reboot(call: Call): string {
  const { state, node } = call;
  const vmid = vmidOf(call);
  const vm = checkRunning(state, vmid, node.name);
  if (vm.power === 'stopped') die(`VM ${vmid} not running`);
  return fork(call, 'qmreboot', vmid, (worker) =>
    locked(call, vmid, worker, async () => {
      const running = checkRunning(state, vmid, node.name);
      if (running.power === 'stopped') return;
      running.rebooting = true;
      try {
        checkLock(running);
        const timeout = Number(call.params['timeout'] ?? 180) * 1000;
        await askGuest(state, running, worker, { timeout, force: false });
        quit(call, running);
        // It looks once a second.
        await worker.work(durationOf(state, 'notice'));
      } catch (error) {
        running.rebooting = false;
        throw error;
      }
    }),
  );
}

/** QEMU ends, which the daemon that watches it and the HA manager see. */
export function quit(place: Place, vm: Vm): void {
  const { state } = place;
  halt(vm);
  watchOver(state, vm.vmid);
  if (vm.rebooting !== true) return;
  state.clock.after(durationOf(state, 'bringback'), () => void cleanUp(place, vm.vmid));
}

/** The steps of qmeventd once QEMU has gone: `qm cleanup`, which waits a minute for the lock file. */
async function cleanUp({ state, node }: Place, vmid: number): Promise<void> {
  const lock = { node: node.name, vmid, timeoutMs: 60_000 };
  const back = await state.locks
    .hold(lock, async () => takeWish(state, node, vmid))
    .catch(() => false);
  if (back) bringBack(state, node, vmid);
}

function takeWish(state: State, node: Node, vmid: number): boolean {
  const vm = findVm(state, vmid, node.name);
  if (vm === undefined || vm.power === 'running' || vm.config.get('lock') === 'rollback') {
    return false;
  }
  const wished = vm.rebooting === true;
  vm.rebooting = false;
  return wished;
}

/** In root's name; under HA the manager does it. */
function bringBack(state: State, node: Node, vmid: number): void {
  if (state.ha.has(`vm:${vmid}`)) return;
  const order = { node: node.name, type: 'qmstart', id: vmid, owner: 'root@pam' };
  state.tasks.fork(order, (worker) =>
    locked({ state, node }, vmid, worker, () => startVm(state, node, vmid, worker)),
  );
}
