import { mapLimit } from '../../../src/kit/map-limit.ts';
import type { Counters } from './counters.ts';
import { believe, type Item } from './items.ts';
import type { ManagementServer } from './management-server.ts';
import type { Random } from './random.ts';

interface SettleOptions {
  readonly random: Random;
  readonly processes: number;
  readonly counters: Counters;
}

/** CloudStack's usual next calls once nothing goes wrong any more: every one of them has to succeed. */
export async function settle(
  managementServer: ManagementServer,
  items: readonly Item[],
  { random, processes, counters }: SettleOptions,
): Promise<void> {
  await mapLimit(items, processes, async (item) => {
    const demand = demanding(managementServer, item, counters);
    if (item.doomed) return expungeNow(item, demand);
    if (item.belief === 'absent') {
      if (item.tried) await settleAbsent(item, demand, random, counters);
      return;
    }
    if (!item.sure) await settlePower(managementServer, item, demand, counters);
  });
}

type Demand = (action: string, state: string, deploying?: boolean) => Promise<boolean>;

function demanding(managementServer: ManagementServer, item: Item, counters: Counters): Demand {
  return async (action, state, deploying = false) => {
    const { outcome, text } = await managementServer.call(item, action, { state, deploying });
    if (outcome === 'done') return true;
    counters.violation(
      `${item.host.name}: ${action} of ${item.vm.name} fails in the steady state: ${text}`,
      item,
    );
    return false;
  };
}

async function expungeNow(item: Item, demand: Demand): Promise<void> {
  if (item.belief === 'running' && !(await demand('stop', 'Stopping'))) return;
  if (await demand('delete', 'Expunging')) believe(item, 'expunged', true);
}

/** A deployment that CloudStack gave up, with its last stop; some of them are tried once more. */
async function settleAbsent(
  item: Item,
  demand: Demand,
  random: Random,
  counters: Counters,
): Promise<void> {
  if (!(await demand('stop', 'Starting', true))) return;
  const left = (await item.host.system.backend.machines()).filter((machine) =>
    isOwn(machine.mark, item),
  );
  // A machine that was finished before the stop is the instance's machine, and is stopped.
  const whole = left.every(({ mark, power }) => isBuilt(mark) && power === 'off');
  if (left.length > 1 || !whole) {
    counters.violation(
      `${item.host.name}: after its last stop ${item.vm.name} has left a machine`,
      item,
    );
  }
  if (left.length === 0 && random.chance(0.3)) return believe(item, 'absent', true);
  if (await demand('create', 'Starting', true)) believe(item, 'running', true);
}

/**
 * The next ping tells CloudStack what is; it takes that over, as its power sync does. A killed
 * call is then made again, and clears its leftovers away, such as a lock.
 */
async function settlePower(
  managementServer: ManagementServer,
  item: Item,
  demand: Demand,
  counters: Counters,
): Promise<void> {
  const { document, text } = await managementServer.call(item, 'status');
  const power = document['power_state'];
  if (power === 'PowerOn') {
    if (await demand('start', 'Starting')) believe(item, 'running', true);
    return;
  }
  if (power !== 'PowerOff') {
    counters.violation(
      `${item.host.name}: ${item.vm.name} (${item.belief}) in the steady state: ${text}`,
      item,
    );
    return;
  }
  if (await demand('stop', 'Running')) believe(item, 'stopped', true);
}

export function isOwn(mark: string, { vm }: Item): boolean {
  return mark.includes(vm.uuid) && !mark.includes('another-cloud');
}

export function isBuilt(mark: string): boolean {
  return mark.includes('"state":"built"');
}
