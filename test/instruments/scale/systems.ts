import type { Place } from '../../support/world.ts';
import type { System } from './system.ts';
import { hypervSystem } from './systems/hyperv.ts';
import { maasSystem } from './systems/maas.ts';
import { proxmoxSystem } from './systems/proxmox.ts';
import { simulatorSystem } from './systems/simulator.ts';

const openers: Readonly<Record<string, (place: Place, instances: number) => Promise<System>>> = {
  proxmox: () => proxmoxSystem(),
  maas: (_, instances) => maasSystem(instances),
  hyperv: () => hypervSystem(),
  simulator: (place) => simulatorSystem(place),
};

export const chaosProviders: readonly string[] = Object.keys(openers);

/** The system of this provider, with room for so many instances. */
export function openSystem(name: string, place: Place, instances: number): Promise<System> {
  const open = openers[name];
  if (open === undefined) throw new Error(`the provider ${name} has no chaos run`);
  return open(place, instances);
}
