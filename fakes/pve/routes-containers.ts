import { type Call, type Routes, vmidOf } from './call.ts';
import { die } from './errors.ts';
import type { Config } from './state.ts';

/** As much of containers as a client of VMs meets. */
export const containerRoutes: Routes = {
  'GET /nodes/{node}/lxc/{vmid}/pending': (call) =>
    [...configOf(call)].map(([key, value]) => ({ key, value })),
  'GET /nodes/{node}/lxc/{vmid}/snapshot': (call) => {
    configOf(call);
    return [{ name: 'current', description: 'You are here!' }];
  },
};

function configOf(call: Call): Config {
  const vmid = vmidOf(call);
  const { name } = call.node;
  const found = call.state.containers.get(vmid);
  if (found?.node === name) return found.config;
  return die(`Configuration file 'nodes/${name}/lxc/${vmid}.conf' does not exist`);
}
