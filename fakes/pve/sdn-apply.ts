import { type Call, durationOf, fork } from './call.ts';
import { die } from './errors.ts';
import { parseNet } from './property-string.ts';
import { changing } from './sdn-change.ts';
import type { Node, State } from './state.ts';
import type { Worker } from './worker.ts';

export type Properties = Readonly<Record<string, string>>;

/**
 * Commits everything that is pending, of everybody, and then reloads node after node. The task ends well
 * even when nodes fail: each of them is a line of its log.
 */
export function apply(call: Call): string {
  const { state, params } = call;
  changing(call, 'could not commit SDN config', () => commit(state));
  if (params['release-lock'] === '1') state.sdn.lock = undefined;
  return fork(call, 'reloadnetworkall', '', async (worker) => {
    for (const node of state.nodes.values()) await reloadFrom(state, node, worker);
  });
}

function commit({ zones, vnets, sdn }: State): void {
  sdn.running = { zones: new Map(zones), vnets: new Map(vnets) };
  sdn.version += 1;
}

/** Applies the files and reloads every node at once, as if long ago. */
export function applyAtOnce(state: State): void {
  if (state.vnets.size + state.zones.size === 0) return;
  commit(state);
  for (const node of state.nodes.values()) {
    node.sdn.version = state.sdn.version;
    build(state, node, vnetsOf(state, node));
  }
}

async function reloadFrom(state: State, node: Node, worker: Worker): Promise<void> {
  worker.log(`${node.name}: reloading network config`);
  const refused = reachTrouble(node);
  if (refused !== undefined) {
    worker.log(refused);
    worker.log(`command 'pvesh set /nodes/${node.name}/network' failed: exit code 255`);
    return;
  }
  const failed = await reload(state, node, (ms) => worker.work(ms));
  if (failed !== undefined) worker.log(failed);
}

function reachTrouble({ ip, online, reach, sdn }: Node): string | undefined {
  if (!online || reach === 'no-route') {
    return `proxy handler failed: ssh: connect to host ${ip} port 22: No route to host`;
  }
  if (sdn.trouble === 'no-ssh') {
    return `proxy handler failed: ssh: connect to host ${ip} port 22: Connection refused`;
  }
  if (sdn.trouble !== 'unsuitable') return undefined;
  return "incompatible 'ifupdown2' package version '3.0.0-1.1'! Did you installed from Proxmox repositories?";
}

/**
 * Writes the node's interfaces and makes them: ifreload has a lock of its own, and a second one ends
 * with exit code 89.
 */
async function reload(
  state: State,
  node: Node,
  work: (ms: number) => Promise<void>,
): Promise<string | undefined> {
  const { sdn } = node;
  sdn.version = state.sdn.version;
  const wanted = vnetsOf(state, node);
  if (sdn.reloading) return "command 'ifreload -a' failed: exit code 89";
  sdn.reloading = true;
  try {
    await work(durationOf(state, 'ifreload'));
  } finally {
    sdn.reloading = false;
  }
  if (sdn.trouble === 'ifreload') return "command 'ifreload -a' failed: exit code 1";
  build(state, node, wanted);
  return undefined;
}

/** Reloads one node alone: `PUT /nodes/N/network`. */
export function reloadNode(call: Call): string {
  const { state, node } = call;
  return fork(call, 'srvreload', 'networking', async (worker) => {
    const failed = await reload(state, node, (ms) => worker.work(ms));
    if (failed !== undefined) die(failed);
  });
}

/** The bridge of a vnet goes under a running machine, whose NIC is loose from then on. */
function build(state: State, node: Node, wanted: readonly string[]): void {
  const gone = [...node.sdn.bridges].filter((vnet) => !wanted.includes(vnet));
  for (const vnet of gone) node.sdn.bridges.delete(vnet);
  for (const vnet of wanted) node.sdn.bridges.add(vnet);
  for (const vm of state.vms.values()) {
    if (vm.node !== node.name || vm.power !== 'running') continue;
    for (const [option, value] of vm.config) {
      if (!/^net\d+$/.test(option) || !gone.includes(parseNet(value)['bridge'] ?? '')) continue;
      vm.loose = new Set([...(vm.loose ?? []), option]);
    }
  }
}

/** The vnets in force whose zone is on the node. */
export function vnetsInForce({ sdn }: State, node: Node): Properties[] {
  return [...sdn.running.vnets.values()].filter(({ zone = '' }) =>
    isOn(sdn.running.zones.get(zone) ?? { nodes: '' }, node),
  );
}

/** The vnets whose bridges the node can make: the bridge under them is there. */
function vnetsOf(state: State, node: Node): string[] {
  const { zones } = state.sdn.running;
  return vnetsInForce(state, node).flatMap(({ vnet = '', zone = '' }) =>
    lacks(zones.get(zone) ?? {}, node) === undefined ? [vnet] : [],
  );
}

export function isOn(zone: Properties, { name }: Node): boolean {
  return zone['nodes'] === undefined || zone['nodes'].split(',').includes(name);
}

export function lacks(zone: Properties, { bridges }: Node): string | undefined {
  const { bridge } = zone;
  return bridge === undefined || bridges.has(bridge) ? undefined : bridge;
}
