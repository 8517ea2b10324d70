import { createCounters, type Line } from './counters.ts';
import { makeForeignMachines } from './foreign-machines.ts';
import { type Item, newItem } from './items.ts';
import { createManagementServer, memoSeconds } from './management-server.ts';
import { createRandom } from './random.ts';
import { settle } from './settle.ts';
import { checkSteadyState } from './steady-state.ts';
import { stress } from './stress.ts';
import { type Host, hostsOf } from './system.ts';
import { chaosProviders, openSystem } from './systems.ts';

export interface ChaosOptions {
  readonly file: string;
  readonly seed: number;
  readonly seconds: number;
  readonly instances: number;
  /** How many calls are under way at a time. */
  readonly processes: number;
  /** The time-out of a call in the chaos run; afterwards it is what CloudStack gives. */
  readonly timeoutSeconds: number;
  /** How often two creates of one instance come at once, as when a management server takes over. */
  readonly concurrentCreates: number;
  /** Only these; all of them unless said otherwise. */
  readonly providers?: readonly string[];
}

export interface ChaosReport {
  readonly violations: readonly string[];
  readonly lines: readonly Line[];
  readonly troubles: ReadonlyMap<string, number>;
  /** Of the chaos run alone and of all with what followed. */
  readonly chaosCalls: number;
  readonly chaosSeconds: number;
  readonly calls: number;
  readonly hosts: number;
}

/** Mixed actions on many instances of all providers under faults, and the steady state after them. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const { file, seed, timeoutSeconds, instances, concurrentCreates } = options;
  // No call of the steady state may fail because this machine is too small for the chaos run.
  const processes = Math.min(4, options.processes);
  const random = createRandom(seed);
  const counters = createCounters();
  const managementServer = createManagementServer({
    file,
    concurrentCreates,
    random: random.fork(0),
    counters,
  });
  const { providers = chaosProviders } = options;
  const systems = await Promise.all(
    providers.map((name) => openSystem(name, managementServer.place, instances)),
  );
  try {
    const hosts = systems.flatMap(hostsOf);
    const items = Array.from({ length: instances }, (_, at) =>
      newItem(at + 1, hosts[at % hosts.length] as Host),
    );
    const foreignMachines = await makeForeignMachines(systems, items);
    const begunMs = performance.now();
    const retired: Item[] = [];
    managementServer.allow({ deaths: 0.1, seconds: timeoutSeconds });
    await stress({ managementServer, systems, hosts, items, retired, random, counters }, options);
    const chaosSeconds = (performance.now() - begunMs) / 1000;
    const chaosCalls = callsOf([...counters.lines.values()]);
    for (const system of systems) {
      await system.calm();
      system.heal();
    }
    // The memo may repeat failures of the chaos run for so long, and no longer.
    await new Promise((resolve) => setTimeout(resolve, memoSeconds * 1000));
    // As CloudStack has it unless it is told otherwise.
    managementServer.allow({ deaths: 0, seconds: 1800 });
    const all = [...retired, ...items];
    await settle(managementServer, all, { random: random.fork(1), processes, counters });
    await checkSteadyState({
      managementServer,
      systems,
      hosts,
      items: all,
      foreignMachines,
      counters,
      processes,
    });
    const lines = [...counters.lines.values()];
    const { violations, troubles } = counters;
    const calls = callsOf(lines);
    return {
      ...{ violations, lines, troubles, chaosCalls, chaosSeconds, calls, hosts: hosts.length },
    };
  } finally {
    for (const { backend } of systems) {
      await backend.close().catch((thrown: unknown) => counters.violation(String(thrown)));
    }
    managementServer.place.remove();
  }
}

function callsOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { done, failed, killed }) => sum + done + failed + killed, 0);
}
