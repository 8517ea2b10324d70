import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster, Options } from '../../../fakes/pve/index.ts';
import type { Backend } from '../../conformance/backend.ts';
import { proxmoxBackend } from '../../providers/proxmox/backend.ts';
import { standing } from './instance.ts';
import { type Call, listingOf, livesOf, repeated } from './life.ts';
import { type Step, serveStage } from './stage.ts';

/** Answers that take 25 ms, and tasks that take 0.4 s, as others were measured with. */
const slow: Options = {
  latencyMs: 25,
  durations: { default: 400, qmclone: 400, linkedclone: 400, qmstart: 400, resize: 400 },
};

const snapshot = (): { readonly snap_name: string } => ({ snap_name: 'before' });

const calls: readonly Call[] = [
  ['CreateSnapshot', snapshot],
  ['ListSnapshots'],
  ['RestoreSnapshot', snapshot],
  ['DeleteSnapshot', snapshot],
  ['GetIpAddresses'],
  ['GetDetails'],
  ['Suspend'],
  ['Resume'],
  ['Reset'],
  ['ResizeDisk', () => ({ size_gb: 16 })],
  ['AttachIso', () => ({ iso_path: 'shared:iso/debian.iso' })],
  ['DetachIso'],
  ['Migrate', () => ({ node: 'pve2' })],
  ['Backup'],
  ['ListBackups'],
  [
    'RestoreBackup',
    (vm, answers) => {
      const rows = answers.get('ListBackups')?.['message'] as readonly { backup: string }[];
      return { ...repeated(vm), backup: rows[0]?.backup };
    },
  ],
  ['Reinstall', repeated],
];

serveStage(async (folder) => {
  const backends: Backend[] = [];
  const system = async (options: Options = {}): Promise<[Backend, Cluster]> => {
    let cluster: Cluster | undefined;
    const backend = await proxmoxBackend(options, (made) => {
      cluster = made;
    })();
    backends.push(backend);
    return [backend, cluster as Cluster];
  };
  const [near, cluster] = await system({ guest: { bootMs: 0, shutdownMs: 5, agent: true } });
  const state = join(folder, 'state');
  const usual = livesOf(near, {
    firstId: 1001,
    host: { guest_agent: 'true', other_nodes: 'pve2' },
    bars: { '*': { connections: 1 }, status: { cpuRatio: 2.2 } },
    calls,
    // As after half a minute in which nothing was changed.
    rest() {
      cluster.broadcast();
      rmSync(join(state, 'proxmox/changed'), { force: true });
    },
  });
  const [far] = await system(slow);
  const distant = livesOf(far, {
    firstId: 2001,
    bars: { '*': { connections: 1 }, create: { wallMs: 1900 } },
    only: ['prepare', 'create', 'delete'],
  });
  const [full] = await system();
  for (let id = 1; id <= 1000; id += 1) await full.plant(standing(id));
  const listing = listingOf(full, 'statuses of 1000', {
    times: 2,
    bar: { requests: 2, answer: 59_999 },
    config: { state_directory: join(folder, 'quiet') },
  });
  return {
    steps: [
      ...usual.map((step) => ({ ...step, config: { state_directory: state } })),
      ...distant.map((step) => ({ ...step, name: `${step.name}, slow answers and tasks` })),
      listing,
    ] satisfies Step[],
    async close() {
      for (const backend of backends) await backend.close();
    },
  };
});
