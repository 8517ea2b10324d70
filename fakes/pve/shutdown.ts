import { die } from './errors.ts';
import { agentAnswers, agentEnabled } from './machines.ts';
import type { State, Vm } from './state.ts';
import type { Worker } from './worker.ts';

interface Patience {
  readonly timeout: number;
  readonly force: boolean;
}

/** Asks by the agent where one is configured, else by ACPI; waits until the guest is gone. */
export async function askGuest(
  state: State,
  vm: Vm,
  worker: Worker,
  { timeout, force }: Patience,
): Promise<void> {
  const agent = agentEnabled(vm.config);
  if (agent && !agentAnswers(state, vm)) {
    worker.log(
      `QEMU Guest Agent is not running - VM ${vm.vmid} qmp command 'guest-ping' failed - got timeout`,
    );
    await worker.work(3000);
  }
  const obeys = vm.guest.obeys && vm.qmp === 'running' && vm.guest.shutdownMs <= timeout;
  await worker.work(obeys ? vm.guest.shutdownMs : timeout);
  if (obeys) return;
  if (!force) die('VM quit/powerdown failed - got timeout');
  worker.log('VM still running - terminating now with SIGTERM');
  await worker.work(1000);
}
