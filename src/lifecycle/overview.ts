import type { Machine, Mark } from '../contract/machine.ts';
import { isMarkedFor, isUnseen, verdictOn, withoutDisowned } from './ownership.ts';

/** Everything that a host can say about the machines of its installation. */
export interface Overview<M extends Machine> {
  /** Each is the one machine of its instance. */
  readonly certain: readonly { readonly machine: M; readonly mark: Mark }[];
  /** By instance name, the machines of which no more can be said than that they exist. */
  readonly doubtful: readonly { readonly name: string; readonly machines: readonly M[] }[];
  /** Machines that may be any instance's: with one of these no list is complete. */
  readonly unseen: readonly M[];
}

/**
 * Sorts all machines for a report of many instances.
 *
 * Unmarked machines are doubtful under their own names: left out they would count as gone, although
 * they may be instances that are still to be adopted. A machine that is leaving is doubtful too, unless
 * its instance has another one by now.
 */
export function overview<M extends Machine>(
  machines: readonly M[],
  installation: string,
): Overview<M> {
  const staying = machines.filter((machine) => machine.leaving !== true);
  const groups = groupByUuid(staying, installation);
  const single = groups.flatMap(({ mark, machines: [machine, second] }) => {
    const alone = machine !== undefined && second === undefined && machine.template !== true;
    if (!alone || verdictOn(machine, { uuid: mark.uuid, installation }) !== 'ours') return [];
    return [{ machine, mark }];
  });
  const certain = withoutNamesakes(single, installation);
  const known = new Set(certain.map(({ mark }) => mark.name));
  const leaving = groupByUuid(
    machines.filter((machine) => machine.leaving),
    installation,
  );
  const marked = [...groups, ...leaving].flatMap(({ mark, machines }) =>
    known.has(mark.name) ? [] : [{ name: mark.name, machines }],
  );
  const unmarked = machines.flatMap((machine) => {
    if (typeof machine.mark === 'object' || machine.template) return [];
    const { name } = machine;
    return name === undefined || known.has(name) ? [] : [{ name, machines: [machine] }];
  });
  return { certain, doubtful: [...marked, ...unmarked], unseen: machines.filter(isUnseen) };
}

/**
 * Names are unique inside one installation only. A machine whose mark names no installation may be
 * another one's: it gives way to a machine that carries our name, and two of a kind are both in doubt.
 */
function withoutNamesakes<Entry extends { readonly mark: Mark }>(
  entries: readonly Entry[],
  installation: string,
): readonly Entry[] {
  const isNamed = ({ mark }: Entry): boolean => mark.installation === installation;
  const count = (some: readonly Entry[]): ReadonlyMap<string, number> =>
    some.reduce(
      (counts, { mark: { name } }) => counts.set(name, (counts.get(name) ?? 0) + 1),
      new Map<string, number>(),
    );
  const all = count(entries);
  const named = count(entries.filter(isNamed));
  return entries.filter((entry) => (isNamed(entry) ? named : all).get(entry.mark.name) === 1);
}

interface Group<M extends Machine> {
  readonly mark: Mark;
  readonly machines: readonly M[];
}

function groupByUuid<M extends Machine>(
  machines: readonly M[],
  installation: string,
): readonly Group<M>[] {
  const groups = new Map<string, Group<M> & { readonly machines: M[] }>();
  for (const machine of machines) {
    const { mark } = machine;
    if (typeof mark !== 'object') continue;
    if (!isMarkedFor(machine, { uuid: mark.uuid, installation })) continue;
    const group = groups.get(mark.uuid) ?? { mark, machines: [] };
    group.machines.push(machine);
    groups.set(mark.uuid, group);
  }
  return [...groups.values()].map(({ mark, machines: all }) => ({
    mark,
    machines: withoutDisowned(all),
  }));
}
