import { type Routes, vmidOf } from './call.ts';
import { drivesOf, isCloudInit } from './drives.ts';
import { checkLock, loadVm } from './machines.ts';
import type { Config, State, Vm } from './state.ts';
import { needVolume } from './storage.ts';

const facts = /^(ci\w+|nameserver|searchdomain|sshkeys|ipconfig\d+)$/;

export const cloudInitRoutes: Routes = {
  'GET /nodes/{node}/qemu/{vmid}/cloudinit': (call) =>
    changesSince(loadVm(call.state, vmidOf(call), call.node.name)),
  'PUT /nodes/{node}/qemu/{vmid}/cloudinit': (call) => {
    const { state, node } = call;
    const vm = loadVm(state, vmidOf(call), node.name);
    checkLock(vm);
    writeSeed(state, vm);
  },
};

/** Writes the image anew, if there is a drive for it; answers whether there is one. */
export function writeSeed(state: State, vm: Vm): boolean {
  if (!drivesOf(vm.config).some(([, drive]) => isCloudInit(drive))) return false;
  const parts = (vm.config.get('cicustom') ?? '').split(',').filter((part) => part !== '');
  for (const part of parts) needVolume(state, part.split('=')[1] ?? '', vm.node);
  vm.seed = new Map([...vm.config].filter(([option]) => facts.test(option)));
  return true;
}

/** The facts in the image beside those that wait for the next one; addresses are not compared. */
function changesSince({ seed = new Map(), config }: Vm): object[] {
  const image: Config = seed;
  const options = [...new Set([...image.keys(), ...config.keys()])].filter((one) =>
    facts.test(one),
  );
  return options.map((key) => {
    const [value, now] = [shown(key, image.get(key)), shown(key, config.get(key))];
    if (value === undefined) return { key, pending: now };
    if (value === now || /^ipconfig/.test(key)) return { key, value };
    return { key, value, ...(now === undefined ? { delete: 1 } : { pending: now }) };
  });
}

function shown(option: string, value: string | undefined): string | undefined {
  return option === 'cipassword' && value !== undefined ? '**********' : value;
}
