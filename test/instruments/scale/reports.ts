import type { Item } from './items.ts';
import type { Done, ManagementServer } from './management-server.ts';
import type { Host } from './system.ts';

/*
 * Power reports, which CloudStack asks for while everything else is going on, and acts on: a running
 * instance that is called off is stopped, one that is missing from the list loses its network.
 */

/** Answers what is wrong with the report; nothing when it may stand. */
export async function askStatus(
  managementServer: ManagementServer,
  item: Item,
): Promise<string | undefined> {
  const before = item.changes;
  const { outcome, document } = await managementServer.call(item, 'status');
  if (outcome !== 'done' || item.changes !== before || !item.sure) return undefined;
  return contradiction(item, document['power_state']);
}

/** The errors in the list of one host, by the instance that they are about. */
export async function askStatuses(
  managementServer: ManagementServer,
  host: Host,
  items: readonly Item[],
): Promise<ReadonlyMap<Item, string>> {
  const before = new Map(items.map((item) => [item, item.changes]));
  const begunMs = performance.now();
  const done = await managementServer.ask(host, 'statuses');
  if (done.outcome !== 'done') return new Map();
  const powers = powersOf(done);
  const when = [begunMs, performance.now()].map((ms) => (ms / 1000).toFixed(2)).join(' to ');
  const wrong = items
    .filter((item) => item.sure && before.get(item) === item.changes)
    .flatMap((item) => {
      const word = powers.get(item.vm.name);
      const what = item.host === host ? contradiction(item, word) : listedElsewhere(item, word);
      return what === undefined
        ? []
        : [[item, `${what} in the list of ${host.name}, ${when}`] as const];
    });
  return new Map(wrong);
}

function powersOf({ document }: Done): ReadonlyMap<string, unknown> {
  return new Map(Object.entries((document['power_state'] ?? {}) as Record<string, unknown>));
}

/** Unknown never contradicts anything, and only what is listed can be wrong about the absent. */
function contradiction({ vm, belief }: Item, word: unknown): string | undefined {
  const said = word === undefined ? 'missing' : `called ${word}`;
  const wrong = {
    running: word === 'PowerOff' || word === undefined,
    stopped: word === 'PowerOn' || word === undefined,
    absent: word === 'PowerOn',
    expunged: word === 'PowerOn',
  }[belief];
  return wrong ? `${vm.name} is ${belief}, but ${said}` : undefined;
}

/** An instance that two hosts list jumps from one to the other with every ping. */
function listedElsewhere({ vm, host }: Item, word: unknown): string | undefined {
  return word === undefined ? undefined : `${vm.name} of ${host.name} is called ${word}`;
}
