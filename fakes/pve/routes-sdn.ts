import type { Call, Routes } from './call.ts';
import { demand, may } from './rights.ts';
import { apply, reloadNode } from './sdn-apply.ts';
import { createVnet, createZone, deleteVnet, deleteZone, updateVnet } from './sdn-change.ts';
import { dropLock, rollback, takeLock } from './sdn-lock.ts';
import { nodeZones, zoneBridges, zoneContent } from './sdn-status.ts';
import { absent, listObjects, showObject } from './sdn-views.ts';

/** The rights by which a list shows an object. */
const seeing = ['SDN.Audit', 'SDN.Allocate'];

export const sdnRoutes: Routes = {
  'GET /cluster/sdn': () => ['vnets', 'zones', 'controllers', 'ipams', 'dns'].map((id) => ({ id })),
  'PUT /cluster/sdn': apply,
  'POST /cluster/sdn/lock': takeLock,
  'DELETE /cluster/sdn/lock': dropLock,
  'POST /cluster/sdn/rollback': rollback,

  'GET /cluster/sdn/zones': (call) =>
    listObjects(call.state, 'zones', call.params).filter(({ zone }) => sees(call, String(zone))),
  'POST /cluster/sdn/zones': createZone,
  'GET /cluster/sdn/zones/{zone}': ({ state, params }) =>
    showObject(state, 'zones', params['zone'] ?? '', params),
  'DELETE /cluster/sdn/zones/{zone}': deleteZone,

  'GET /cluster/sdn/vnets': (call) =>
    listObjects(call.state, 'vnets', call.params).filter(({ vnet }) =>
      seesVnet(call, String(vnet)),
    ),
  'POST /cluster/sdn/vnets': createVnet,
  'GET /cluster/sdn/vnets/{vnet}': showVnet,
  'PUT /cluster/sdn/vnets/{vnet}': updateVnet,
  'DELETE /cluster/sdn/vnets/{vnet}': deleteVnet,

  'GET /nodes/{node}/sdn/zones': nodeZones,
  'GET /nodes/{node}/sdn/zones/{zone}/content': zoneContent,
  'GET /nodes/{node}/sdn/zones/{zone}/bridges': zoneBridges,
  'PUT /nodes/{node}/network': reloadNode,
};

function showVnet({ state, caller, params }: Call): unknown {
  const { vnet = '' } = params;
  const zone = state.vnets.get(vnet)?.['zone'];
  if (zone === undefined) return absent('vnets', vnet);
  demand(state, caller, `/sdn/zones/${zone}/${vnet}`, seeing, true);
  return showObject(state, 'vnets', vnet, params);
}

function seesVnet(call: Call, vnet: string): boolean {
  const { vnets, sdn } = call.state;
  const zone = (vnets.get(vnet) ?? sdn.running.vnets.get(vnet))?.['zone'];
  return sees(call, `${zone}/${vnet}`);
}

function sees({ state, caller }: Call, place: string): boolean {
  return may(state, caller, `/sdn/zones/${place}`, seeing, true);
}
