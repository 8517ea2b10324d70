import type { Planted } from '../../conformance/backend.ts';
import { installation } from '../bench/instance.ts';
import type { Item } from './items.ts';
import type { System } from './system.ts';

/** A machine that is none of the instances', as it stood before anything was done. */
export interface ForeignMachine {
  readonly system: System;
  readonly remoteId: string;
  readonly all: string;
}

/** Beside the instances: machines of people, of another CloudStack and of another of its hosts. */
export async function makeForeignMachines(
  systems: readonly System[],
  items: readonly Item[],
): Promise<readonly ForeignMachine[]> {
  const planted = systems.map(async (system) => {
    const ids = await Promise.all(foreignMachinesOf(system, items).map(system.backend.plant));
    const machines = await system.backend.machines();
    return machines
      .filter(({ remoteId }) => ids.includes(remoteId) || isTemplate(system, remoteId))
      .map(({ remoteId, all }) => ({ system, remoteId, all }));
  });
  return (await Promise.all(planted)).flat();
}

function foreignMachinesOf(system: System, items: readonly Item[]): readonly Planted[] {
  const [first] = items.filter(({ host }) => host.system === system);
  const named = (at: number) =>
    ({ name: `i-9-${at}-VM`, state: 'built', origin: 'created' }) as const;
  const uuid = '5e0c1f6a-71b5-4f7e-9d0b-0000000000';
  return [
    // A machine of another user of the remote system.
    { name: 'database-1', power: 'on' },
    // Another CloudStack whose database is a copy of this one's.
    {
      name: 'i-9-1-VM',
      power: 'on',
      mark: (remoteId) => ({
        ...named(1),
        ...{ uuid: first?.vm.uuid ?? '', installation: 'another-cloud', remoteId },
      }),
    },
    // Of this CloudStack, but never asked for here.
    {
      name: 'i-9-2-VM',
      power: 'off',
      mark: (remoteId) => ({ ...named(2), uuid: `${uuid}02`, installation, remoteId }),
    },
  ];
}

function isTemplate({ backend }: System, remoteId: string): boolean {
  return backend.chosen['template_id'] === remoteId;
}
