import type { Found, Making, Plan, Preparation } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { writeMark as markLine } from '../../../lifecycle/mark.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import * as changing from '../api/commands/changing.ts';
import * as making from '../api/commands/making.ts';
import { type Blueprint, diskType, generationOf, secureTemplate } from '../blueprint.ts';
import { checkCapacity, resourcesFor } from './capacity.ts';
import { diskPlaces, machineFolder, makeDisk } from './disk.ts';
import { claimOf, find } from './find.ts';
import { hardwareOf } from './hardware.ts';
import { type HostMachine, ownOf, readDetails, toMachine } from './list.ts';
import { exclusively } from './lock.ts';
import { removeMachine, withdraw } from './remove.ts';
import { ask, noId, type Session, withDeadline } from './session.ts';

/** Looks early for everything that create will need; reserves nothing and may be skipped. */
export async function prepare(
  session: Session,
  { instance, blueprint }: Plan<Blueprint>,
  { machine, partials: [partial] }: Found<HostMachine>,
): Promise<Preparation> {
  const there = machine ?? partial;
  if (there !== undefined) return { details: { hyperv_id: there.remoteId } };
  checkCapacity(session, instance, blueprint, await resourcesFor(session, blueprint));
  return { details: { hyperv_host: new URL(session.settings.url).hostname } };
}

/** Makes the machine with its disk, without adapters; what an earlier create has left is removed first. */
export async function make(
  session: Session,
  plan: Making<HostMachine, Blueprint>,
): Promise<HostMachine> {
  const { instance, blueprint, partials } = plan;
  // Fails for networks that Hyper-V cannot carry.
  const { memory } = hardwareOf(instance, session.settings);
  for (const partial of partials) await removeMachine(session, partial);
  checkCapacity(session, instance, blueprint, await resourcesFor(session, blueprint));
  const machine = await makeBare(session, plan, memory);
  const disk = await diskFor(session, machine, blueprint);
  await ask(session, making.attach, {
    ...ownOf(machine),
    disk,
    iso: blueprint.template_type === 'iso' ? (blueprint.iso_path ?? '') : '',
    secure: secureTemplate(instance, blueprint),
  });
  if (instance.guest !== undefined || blueprint.user_data !== undefined) {
    await (await import('./seed.ts')).placeSeed(session, machine, { instance, blueprint });
  }
  return machine;
}

async function diskFor(
  session: Session,
  { name, remoteId }: HostMachine,
  blueprint: Blueprint,
): Promise<string> {
  const [path] = diskPlaces(session.settings, { name, remoteId }, diskType(blueprint));
  await makeDisk(session, blueprint, path, name);
  return path;
}

/** A machine with its mark and without disks and adapters. */
async function makeBare(
  session: Session,
  { instance, blueprint, undo, markFor }: Making<HostMachine, Blueprint>,
  memory: number,
): Promise<HostMachine> {
  const { name } = instance;
  const path = machineFolder(session.settings, instance);
  let known: HostMachine | undefined;
  // Before the answer: also the machine of a command that never answers is taken back.
  undo.add(`remove the partial machine of ${name}`, (deadline) =>
    takeBack(withDeadline(session, deadline), instance, known),
  );
  const { id } = await ask(session, making.make, {
    ...{ name, memory, path },
    generation: generationOf(instance, blueprint),
    notes: markLine(markFor(noId)),
    // Keeps the place for the id, which is not known before the machine is made.
    blank: noId,
  });
  const notes = markLine(markFor(id));
  known = toMachine({
    ...{ id, name, notes, path },
    ...{ state: 'Off', clustered: false, replication: 'None' },
  });
  session.context.log('machine.made', { machine: id });
  const { adapters } = await readDetails(session, known);
  // Every new machine has one adapter, whose name is in the language of the host.
  const remove = adapters.map((adapter) => adapter.id);
  await ask(session, changing.wire, { ...ownOf(known), remove, adapters: [] });
  return { ...known, adapters: [] };
}

/** Without an id the process that kept other calls away may be gone, and one of them be at the same. */
async function takeBack(
  session: Session,
  instance: Instance,
  known: HostMachine | undefined,
): Promise<void> {
  if (known !== undefined) return withdraw(session, known);
  await exclusively(session, instance, async () => {
    const choice = await find(session, instance, 'show');
    if (choice.kind === 'doubtful') throw refusal(choice, claimOf(session, instance, []));
    if (choice.kind === 'own' && isBuilding(choice.machine)) {
      await withdraw(session, choice.machine);
    }
  });
}
