import { type Call, fork, type Routes } from './call.ts';
import { die } from './errors.ts';
import { may } from './rights.ts';

export const sdnRoutes: Routes = {
  'GET /cluster/sdn': () => ['vnets', 'zones', 'controllers', 'ipams', 'dns'].map((id) => ({ id })),
  'PUT /cluster/sdn': (call) =>
    fork(call, 'reloadnetworkall', '', async (worker) => {
      for (const name of call.state.nodes.keys()) worker.log(`${name}: reloading network config`);
      await worker.work(3000);
    }),
  'GET /cluster/sdn/zones': (call) =>
    [...call.state.zones.values()].filter((zone) => sees(call, zone['zone'])),
  'POST /cluster/sdn/zones': ({ state, params }) => {
    const { zone = '', type = '' } = params;
    if (state.zones.has(zone))
      die(`create sdn zone object failed: sdn zone object ID '${zone}' already defined`);
    state.zones.set(zone, { zone, type });
  },
  'DELETE /cluster/sdn/zones/{zone}': ({ state, params }) => {
    const { zone = '' } = params;
    if (!state.zones.delete(zone))
      die(`delete sdn zone object failed: sdn '${zone}' does not exist`);
  },
  'GET /cluster/sdn/vnets': (call) =>
    [...call.state.vnets.values()]
      .filter((vnet) => sees(call, `${vnet['zone']}/${vnet['vnet']}`))
      .map((vnet) => ({ ...vnet, digest: '0'.repeat(40) })),
  'POST /cluster/sdn/vnets': ({ state, params }) => {
    const { vnet = '', zone = '', tag } = params;
    if (!state.zones.has(zone)) {
      die(
        'create sdn vnet object failed: cannot lookup undefined type! at /usr/share/perl5/PVE/API2/Network/SDN/Vnets.pm line 224.',
      );
    }
    state.vnets.set(vnet, { vnet, zone, type: 'vnet', ...(tag === undefined ? {} : { tag }) });
  },
  'GET /cluster/sdn/vnets/{vnet}': ({ state, params }) =>
    state.vnets.get(params['vnet'] ?? '') ?? die(`sdn '${params['vnet']}' does not exist`),
  'DELETE /cluster/sdn/vnets/{vnet}': ({ state, params }) => {
    const { vnet = '' } = params;
    if (!state.vnets.delete(vnet))
      die(`delete sdn vnet object failed: sdn '${vnet}' does not exist`);
  },
};

function sees({ state, caller }: Call, place: string | undefined): boolean {
  return may(state, caller, `/sdn/zones/${place}`, ['SDN.Audit', 'SDN.Use', 'SDN.Allocate'], true);
}
