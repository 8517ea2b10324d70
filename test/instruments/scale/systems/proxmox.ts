import type { Cluster } from '../../../../fakes/pve/index.ts';
import { detailsFor, proxmoxBackend } from '../../../providers/proxmox/backend.ts';
import type { Random } from '../random.ts';
import type { System } from '../system.ts';

type RequestFault = Parameters<Cluster['faults']['request']>[0];
type TaskFault = Parameters<Cluster['faults']['task']>[0];

const page = '<html><body><h1>It did not work</h1></body></html>';

const requestFaults: Readonly<Record<string, (random: Random) => RequestFault>> = {
  'slow answers': (random) => ({ latencyMs: random.between(50, 1500) }),
  'requests lost': () => ({ cut: 'before' }),
  'answers lost': () => ({ cut: 'after' }),
  'a proxy in trouble': (random) => ({ answer: { status: random.pick([502, 503]), body: page } }),
  'too many requests': () => ({ answer: { status: 429, reason: 'Too Many Requests' } }),
  'done, but 500': () => ({ processed: true, answer: { status: 500, reason: 'lost it' } }),
  'no route to the node': () => ({ answer: { status: 595, reason: 'No route to host' } }),
  silence: (random) => ({ hang: random.pick(['before', 'after']) }),
};

const taskFaults: Readonly<Record<string, TaskFault>> = {
  'QEMU does not start': { type: 'qmstart', fail: 'start failed: QEMU exited with code 1' },
  'slow tasks': { durationMs: 1500 },
};

/** One cluster of two nodes, each with a host of its own that speaks for it alone. */
export async function proxmoxSystem(): Promise<System> {
  let made: Cluster | undefined;
  const backend = await proxmoxBackend(
    { durations: { linkedclone: 60, resize: 20, qmstart: 40, qmstop: 20, qmdestroy: 20 } },
    (cluster) => {
      made = cluster;
    },
  )();
  const cluster = made as Cluster;
  const { faults, state } = cluster;
  let down = false;
  const nodeDown = async (random: Random): Promise<string> => {
    down = true;
    await cluster.nodeDown('pve2', 'refused', random.chance(0.5));
    return 'a node down';
  };
  const calm = async (): Promise<void> => {
    faults.clear();
    if (down) await cluster.nodeUp('pve2');
    down = false;
  };
  return {
    backend,
    hosts: ['pve1', 'pve2'].map((node, at) => ({
      name: `proxmox ${node}`,
      details: () => ({
        host: detailsFor(cluster, node, { other_nodes: at === 0 ? 'pve2' : 'pve1' }),
      }),
    })),
    snapshot: 'snap_name',
    async disturb(random) {
      await calm();
      if (random.chance(0.1)) return nodeDown(random);
      if (random.chance(0.1)) cluster.cutConnections();
      if (random.chance(0.2)) {
        const [name, fault] = random.pick(Object.entries(taskFaults));
        faults.task({ ...fault, times: 1 + random.below(3) });
        return name;
      }
      const [name, fault] = random.pick(Object.entries(requestFaults));
      for (let count = random.below(5); count >= 0; count -= 1) {
        faults.request({ ...fault(random), skip: random.below(12) });
      }
      return name;
    },
    calm,
    heal() {},
    leftovers: () => [
      ...[...state.vms.values()]
        .filter(({ config }) => config.has('lock'))
        .map(({ vmid, config }) => `machine ${vmid} is locked (${config.get('lock')})`),
      ...[...state.volumes]
        .filter(({ vmid, content }) => content === 'images' && !state.vms.has(vmid ?? 0))
        .map(({ name }) => `volume ${name} belongs to no machine`),
    ],
  };
}
