import type { Call } from './call.ts';
import { parseNet } from './property-string.ts';
import { isOn, lacks, type Properties } from './sdn-apply.ts';
import type { Node, State } from './state.ts';

interface Status {
  readonly status: 'available' | 'pending' | 'error';
  readonly statusmsg: string | null;
}

/** The vnets in force of a zone, with whether the node has them. */
export function zoneContent({ state, node, params }: Call): object[] {
  const { zones, vnets } = state.sdn.running;
  const zone = zones.get(params['zone'] ?? '');
  if (zone === undefined || !isOn(zone, node)) return [];
  return [...vnets.values()]
    .filter((vnet) => vnet['zone'] === zone['zone'])
    .map(({ vnet = '' }) => ({ vnet, ...statusOf(state, node, zone, vnet) }));
}

export function zoneBridges(call: Call): object[] {
  const { state, node } = call;
  const vnets = zoneContent(call) as { readonly vnet: string }[];
  return vnets
    .filter(({ vnet }) => node.sdn.bridges.has(vnet))
    .map(({ vnet: name }) => ({ name, ports: portsOf(state, node, name), vlan_filtering: 0 }));
}

export function nodeZones({ state, node }: Call): object[] {
  return [...state.sdn.running.zones.values()]
    .filter((zone) => isOn(zone, node))
    .map((zone) => {
      if (node.sdn.version < state.sdn.version) return { zone: zone['zone'], status: 'pending' };
      return {
        zone: zone['zone'],
        status: lacks(zone, node) === undefined ? 'available' : 'error',
      };
    });
}

function statusOf(state: State, node: Node, zone: Properties, vnet: string): Status {
  const { version, bridges } = node.sdn;
  if (version < state.sdn.version) {
    const age = version === 0 ? 'not yet generated' : 'too old';
    return {
      status: 'pending',
      statusmsg: `local sdn network configuration is ${age}, please reload`,
    };
  }
  const under = lacks(zone, node);
  if (under !== undefined) return { status: 'error', statusmsg: `missing ${under}` };
  if (bridges.has(vnet)) return { status: 'available', statusmsg: null };
  const statusmsg = "vnet is not generated. Please check the 'reload network' task log.";
  return { status: 'error', statusmsg };
}

/** The taps of running machines that are plugged in. */
function portsOf(state: State, node: Node, bridge: string): object[] {
  return [...state.vms.values()]
    .filter((vm) => vm.node === node.name && vm.power === 'running')
    .flatMap((vm) =>
      [...vm.config]
        .filter(
          ([option, value]) => /^net\d+$/.test(option) && parseNet(value)['bridge'] === bridge,
        )
        .filter(([option]) => vm.loose?.has(option) !== true)
        .map(([option]) => ({ name: `tap${vm.vmid}i${option.slice(3)}`, vmid: vm.vmid })),
    );
}
