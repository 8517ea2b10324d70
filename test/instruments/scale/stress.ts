import type { Counters } from './counters.ts';
import { type Item, newItem } from './items.ts';
import * as job from './jobs.ts';
import type { ManagementServer } from './management-server.ts';
import type { Random } from './random.ts';
import { askStatus, askStatuses } from './reports.ts';
import type { Host, System } from './system.ts';

/** All that takes part. */
export interface StressContext {
  readonly managementServer: ManagementServer;
  readonly systems: readonly System[];
  readonly hosts: readonly Host[];
  readonly items: Item[];
  /** Deleted, and replaced by new ones. */
  readonly retired: Item[];
  readonly random: Random;
  readonly counters: Counters;
}

/** Jobs and reports by so many processes at a time, while the systems go from one fault to the next. */
export async function stress(
  context: StressContext,
  { seconds, processes }: { readonly seconds: number; readonly processes: number },
): Promise<void> {
  const { systems, random, counters } = context;
  const endMs = performance.now() + seconds * 1000;
  const goesOn = (): boolean => performance.now() < endMs;
  const disturbances = systems.map(async (system, at) => {
    const own = random.fork(100 + at);
    while (goesOn()) {
      if (own.chance(0.6)) await system.calm();
      else counters.trouble(system.backend.provider, await system.disturb(own));
      await new Promise((resolve) => setTimeout(resolve, own.between(300, 2000)));
    }
  });
  const workers = Array.from({ length: processes }, async (_, at) => {
    const own = random.fork(1000 + at);
    while (goesOn()) await act(context, own);
  });
  await Promise.all([...disturbances, ...workers]);
}

/** One report, or one job for an instance that is idle. */
async function act(context: StressContext, random: Random): Promise<void> {
  const { managementServer, hosts, items, retired, counters } = context;
  if (random.chance(0.1)) {
    const wrong = await askStatuses(managementServer, random.pick(hosts), items);
    for (const [item, what] of wrong) counters.violation(what, item);
    return;
  }
  const at = random.below(items.length);
  const item = items[at] as Item;
  if (item.busy || random.chance(0.3)) {
    const wrong = await askStatus(managementServer, item);
    if (wrong !== undefined) counters.violation(`${item.host.name}: ${wrong}`, item);
    return;
  }
  if (item.belief === 'expunged' && random.chance(0.7)) {
    retired.push(item);
    items[at] = newItem(items.length + retired.length, item.host);
    return;
  }
  item.busy = true;
  await jobFor(item, random)(managementServer, item, random);
  item.busy = false;
}

function jobFor({ belief, doomed }: Item, random: Random): job.Job {
  if (belief === 'expunged' || doomed) return job.expunge;
  if (belief === 'absent') return random.chance(0.7) ? job.deploy : job.create;
  const jobs =
    belief === 'running'
      ? [job.stop, job.repeat, job.repeat, job.snapshot, job.snapshot, job.expunge]
      : [job.start, job.start, job.snapshot, job.create, job.expunge];
  return random.pick(jobs);
}
