import type { Nic } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { flagOf, type Json, listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { isVnet, partsOf } from './nics.ts';
import type { Session } from './session.ts';

/** The place that a NIC is plugged into. */
interface Wiring {
  readonly bridge: string;
  readonly tag?: string | undefined;
}

/**
 * Fails when a NIC cannot be plugged in on the node: Proxmox VE itself looks at the right only when the
 * copy is there, and at the bridge only when it starts.
 */
export async function checkNics(
  session: Session,
  nets: readonly string[],
  nics: readonly Nic[],
): Promise<void> {
  if (nets.length === 0) return;
  const wirings = nets.map((net): Wiring => ({ bridge: '', ...partsOf(net) }));
  const bridges = await readBridges(session);
  for (const wiring of wirings) checkBridge(session, wiring, bridges);
  for (const { segment } of nics) {
    // The map may have put the NIC elsewhere.
    const isUsed = isVnet(segment) && wirings.some(({ bridge }) => bridge === segment.name);
    if (isUsed) checkVnet(session, segment, bridges.get(segment.name));
  }
  const what = 'read the rights of the API token on bridges and vnets';
  const rights = recordOf(await session.api.get('/access/permissions', { what }));
  for (const wiring of wirings) {
    const isVnet = bridges.get(wiring.bridge)?.['type'] === 'vnet';
    if (!mayUse(rights, wiring, isVnet)) throw notAllowed(session, wiring, isVnet);
  }
}

/** The bridges and vnets of the node that the token may at least look at. */
async function readBridges({ api, settings: { node } }: Session): Promise<Map<string, Json>> {
  const ask = { what: `list the bridges of ${node}`, query: { type: 'any_bridge' } };
  const rows = listOf(await api.get(path`/nodes/${node}/network`, ask)).map(recordOf);
  return new Map(rows.map((row) => [textOf(row['iface']) ?? '', row]));
}

function checkBridge(
  { settings: { node } }: Session,
  { bridge, tag }: Wiring,
  bridges: ReadonlyMap<string, Json>,
): void {
  const row = bridges.get(bridge);
  if (row === undefined) {
    const text = `Node ${node} shows the API token no bridge or vnet ${bridge}`;
    throw new Failure('config', text, {
      advice: `It shows ${[...bridges.keys()].join(', ') || 'none'}. Name one of them in network_bridge, network_map or vnet_map, give the token SDN.Use on the zone, or apply the SDN configuration if the vnet is new`,
    });
  }
  const { type, vlanaware } = row;
  if (tag === undefined || type !== 'vnet' || vlanaware === undefined || flagOf(vlanaware)) return;
  throw new Failure('config', `The vnet ${bridge} takes no VLAN (${tag}) from a NIC`, {
    advice: 'Name it in vnet_map instead of network_map or network_bridge, or make it VLAN aware',
  });
}

/** On a bridge of the node the NIC would be without a VLAN, in another tenant's network. */
function checkVnet(
  { settings: { node } }: Session,
  { name, uri }: { readonly name: string; readonly uri: string },
  row: Json | undefined,
): void {
  if (row === undefined || row['type'] === 'vnet') return;
  throw new Failure('config', `CloudStack's network is ${uri}, but ${name} is no vnet on ${node}`, {
    advice: 'Restart the network in CloudStack, so that its extension names the vnet again',
  });
}

/**
 * Whether the rights may allow it: by an entry for the place itself, or by one that is handed down to it.
 * The list does not say which zone a vnet is in, so that a right in any zone counts.
 */
function mayUse(rights: Json, { bridge, tag }: Wiring, isVnet: boolean): boolean {
  const zone = isVnet ? '(?!localnetwork)[^/]+' : 'localnetwork';
  const own = bridge.replace(/\./g, '\\.');
  const place = new RegExp(`^/sdn/zones/${zone}/${tag === undefined ? own : `${own}/${tag}`}$`);
  const above = new RegExp(`^/(sdn(/zones(/${zone}(/${own})?)?)?)?$`);
  return Object.entries(rights).some(([at, given]) => {
    const use = numberOf(recordOf(given)['SDN.Use']);
    return use !== undefined && (place.test(at) || (use === 1 && above.test(at)));
  });
}

function notAllowed({ api }: Session, { bridge, tag }: Wiring, isVnet: boolean): Failure {
  const token = api.token();
  const [user = ''] = token.split('!');
  const vlan = tag === undefined ? '' : ` with VLAN ${tag}`;
  const place = `/sdn/zones/${isVnet ? 'ZONE' : 'localnetwork'}/${bridge}`;
  return new Failure('denied', `The API token ${token} may not use ${bridge}${vlan}`, {
    advice: `It needs SDN.Use. On a node: pveum acl modify ${place} --users '${user}' --tokens '${token}' --roles PVESDNUser`,
  });
}
