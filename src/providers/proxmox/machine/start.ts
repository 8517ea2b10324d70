import type { Plan } from '../../../contract/driver.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import type { Blueprint } from '../blueprint.ts';
import {
  type Change,
  formOf,
  hardwareChange,
  isEmpty,
  joined,
  withChange,
  writeConfig,
} from './config.ts';
import type { Machine } from './machine.ts';
import { keepIndex } from './mark.ts';
import { resumeGuest, switchOn } from './power.ts';
import { isRunning, readConfig } from './read.ts';
import { seedChange } from './seed-change.ts';
import type { Session } from './session.ts';

const nothing: Change = { set: {}, remove: [] };

/** Brings CPUs, memory, NICs and the facts for cloud-init up to date and then the power on. */
export async function powerOn(
  session: Session,
  machine: Machine,
  { instance, blueprint }: Pick<Plan<Partial<Blueprint>>, 'instance' | 'blueprint'>,
): Promise<Machine> {
  const { vmid } = machine;
  const unfinished = isBuilding(machine);
  const seed = unfinished
    ? nothing
    : await seedChange(session, { machine, instance, blueprint }, false);
  const seeded = { ...machine, config: withChange(machine.config, seed) };
  const change = joined(
    hardwareChange(session.settings, instance, machine.config),
    await cloudInitChange(session, seeded, instance),
    seed,
  );
  await writeConfig(session, machine, formOf(change), `bring machine ${vmid} up to date`);
  if (await switchOn(session, machine, { unfinished })) session.started.add(vmid);
  if (!unfinished) await keepIndex(session, machine);
  return { ...machine, left: 'on' };
}

/** A create has written all of it already. */
async function cloudInitChange(
  { settings }: Session,
  machine: Machine,
  instance: SizedInstance,
): Promise<Change> {
  if (settings.cloud_init === 'off' || isBuilding(machine)) return nothing;
  const { cloudInitAtStart } = await import('./cloud-init.ts');
  return cloudInitAtStart(settings, instance, machine.config);
}

/** Lets a paused guest go on, and switches on a machine whose memory is saved to disk. */
export async function resume(session: Session, machine: Machine): Promise<Machine> {
  if (isKnownToRun(session, machine)) await resumeGuest(session, machine);
  else await switchOn(session, machine);
  return { ...machine, left: 'on' };
}

/** A machine that runs is compared by what it runs with, any other by what its start will find. */
export async function hasHardware(
  session: Session,
  machine: Machine,
  instance: SizedInstance,
): Promise<boolean> {
  const config = isKnownToRun(session, machine)
    ? await readConfig(session, machine, { current: true })
    : machine.config;
  return isEmpty(hardwareChange(session.settings, instance, config));
}

function isKnownToRun({ lives }: Session, { vmid, left }: Machine): boolean {
  if (left !== undefined) return left === 'on' || left === 'paused';
  const live = lives.get(vmid);
  return live !== undefined && isRunning(live);
}
