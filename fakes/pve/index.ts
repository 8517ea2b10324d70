import { createHash, X509Certificate } from 'node:crypto';
import { type KeyName, readKey } from '../http/keys.ts';
import { archive, backupRoutes } from './backup.ts';
import type { Clock } from './clock.ts';
import { cloudInitRoutes } from './cloud-init.ts';
import { configRoutes } from './config-change.ts';
import { type Desk, dispatch, type Logged } from './dispatch.ts';
import { disksOf } from './drives.ts';
import type { Faults } from './faults.ts';
import { haRoutes } from './ha.ts';
import type { Options } from './options.ts';
import { type Planting, plantVm } from './plant.ts';
import { powerRoutes } from './power.ts';
import { accessRoutes } from './routes-access.ts';
import { agentRoutes } from './routes-agent.ts';
import { clusterRoutes } from './routes-cluster.ts';
import { consoleRoutes } from './routes-console.ts';
import { containerRoutes } from './routes-containers.ts';
import { machineRoutes } from './routes-machines.ts';
import { nodeRoutes } from './routes-nodes.ts';
import { poolRoutes } from './routes-pools.ts';
import { sdnRoutes } from './routes-sdn.ts';
import { storageRoutes } from './routes-storage.ts';
import { taskRoutes } from './routes-tasks.ts';
import { applyAtOnce } from './sdn-apply.ts';
import { type Listener, listen } from './server.ts';
import { snapshotRoutes } from './snapshots.ts';
import type { State, Vm, Volume } from './state.ts';
import { broadcast } from './status.ts';
import { findVolume } from './storage.ts';
import { createWorld } from './world.ts';

/** A Proxmox VE cluster for tests: two nodes unless said otherwise, each on a port of its own. */
export interface Cluster {
  /** `https://127.0.0.1:PORT` of each node, in their order. */
  readonly endpoints: readonly string[];
  /** SHA-256 of each node's certificate, with colons. */
  readonly fingerprints: readonly string[];
  /** Everything there is; may be read and changed at any time. */
  readonly state: State;
  readonly clock: Clock;
  readonly faults: Faults;
  /** The requests so far, in their order. */
  readonly requests: Logged[];
  /** `user@realm!name=secret` by token, as the Authorization header carries it. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Connections opened so far, on one node or on all. */
  connections(node?: string): number;
  plantVm(planting: Planting): Vm;
  /** A backup of a VM as it stands; answers its volume id. */
  plantBackup(vmid: number, storage?: string, notes?: string): string;
  vm(vmid: number): Vm;
  /** The volumes of a VM's disks in the order of their names; `data` is what stands in them. */
  disks(vmid: number): Volume[];
  /** The host goes away: its port is closed, or a black hole; the cluster notices or not yet. */
  nodeDown(
    name: string,
    reach?: 'refused' | 'no-route' | 'silent',
    noticed?: boolean,
  ): Promise<void>;
  nodeUp(name: string): Promise<void>;
  /** Cuts all open connections, as an idle one is cut after a while. */
  cutConnections(): void;
  /** Applies zones and vnets that a test has put into the state, on every node at once. */
  applySdn(): void;
  /** Sends the message of pvestatd, which comes every ten seconds, now. */
  broadcast(): void;
  close(): Promise<void>;
}

const routes = {
  ...{
    ...accessRoutes,
    ...agentRoutes,
    ...backupRoutes,
    ...clusterRoutes,
    ...configRoutes,
    ...cloudInitRoutes,
  },
  ...containerRoutes,
  ...{ ...consoleRoutes, ...haRoutes, ...machineRoutes, ...nodeRoutes, ...poolRoutes },
  ...{ ...powerRoutes, ...sdnRoutes, ...snapshotRoutes, ...storageRoutes, ...taskRoutes },
};

/** Each node has a certificate of its own, the first two from the tests' authority. */
const nodeKeys: readonly KeyName[] = ['trusted', 'renewed', 'rsa-2048'];

/** How old a broadcast gets, in the cluster's milliseconds. */
const broadcastEvery = 10_000;

export async function startProxmox(options: Options = {}): Promise<Cluster> {
  const state = createWorld(options);
  const desk: Desk = {
    ...{ state, routes, messages: options.messages ?? true, latencyMs: options.latencyMs ?? 0 },
    requests: [],
  };
  const listeners = new Map<string, Listener>();
  for (const [index, node] of [...state.nodes.values()].entries()) {
    const keys = readKey(nodeKeys[index % nodeKeys.length] ?? 'trusted');
    const listener = await listen(keys, (request, response, connection) => {
      dispatch(desk, node, [request, response], connection).catch(() => request.socket.destroy());
    });
    const { raw } = new X509Certificate(keys.cert);
    Object.assign(node, {
      port: listener.port,
      certificate: keys.cert,
      fingerprint: colons(createHash('sha256').update(raw).digest('hex')),
    });
    listeners.set(node.name, listener);
  }
  const tell = (): void => {
    broadcast(state);
    state.clock.after(broadcastEvery, tell);
  };
  tell();
  return clusterOf(desk, listeners);
}

function clusterOf(desk: Desk, listeners: ReadonlyMap<string, Listener>): Cluster {
  const { state, requests } = desk;
  const nodes = [...state.nodes.values()];
  const need = <T>(thing: T | undefined, what: string): T => {
    if (thing === undefined) throw new Error(`the fake has no ${what}`);
    return thing;
  };
  return {
    ...{ state, requests, clock: state.clock, faults: state.faults },
    endpoints: nodes.map(({ port }) => `https://127.0.0.1:${port}`),
    fingerprints: nodes.map(({ fingerprint }) => fingerprint),
    tokens: new Map([...state.tokens].map(([id, { secret }]) => [id, `${id}=${secret}`])),
    connections: (name) =>
      [...listeners]
        .filter(([node]) => name === undefined || node === name)
        .reduce((sum, [, listener]) => sum + listener.connections(), 0),
    plantVm: (planting) => plantVm(state, planting),
    plantBackup: (vmid, storage = 'shared', notes) => {
      const vm = need(state.vms.get(vmid), `VM ${vmid}`);
      return archive(state, vm, {
        storage,
        node: vm.node,
        ...(notes === undefined ? {} : { notes }),
      });
    },
    vm: (vmid) => need(state.vms.get(vmid), `VM ${vmid}`),
    disks(vmid) {
      const vm = need(state.vms.get(vmid), `VM ${vmid}`);
      return disksOf(vm.config).flatMap(([, { file }]) => findVolume(state, file, vm.node) ?? []);
    },
    applySdn: () => applyAtOnce(state),
    broadcast: () => broadcast(state),
    async nodeDown(name, reach = 'refused', noticed = true) {
      const node = need(state.nodes.get(name), `node ${name}`);
      Object.assign(node, { reach, online: !noticed });
      if (reach !== 'silent') await listeners.get(name)?.stop();
    },
    async nodeUp(name) {
      const node = need(state.nodes.get(name), `node ${name}`);
      if (node.reach !== 'silent' && node.reach !== 'up') await listeners.get(name)?.start();
      Object.assign(node, { reach: 'up', online: true });
    },
    cutConnections() {
      for (const listener of listeners.values()) listener.cut();
    },
    async close() {
      state.clock.stop();
      await Promise.all([...listeners.values()].map((listener) => listener.stop()));
    },
  };
}

function colons(hex: string): string {
  return (hex.toUpperCase().match(/../g) ?? []).join(':');
}

export type { Logged, Options, Planting };
