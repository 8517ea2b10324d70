import type { Deadline, Undo } from '../../../contract/context.ts';
import type { Preparation } from '../../../contract/driver.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { expectFailure } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import { readMark, writeMark } from '../../../lifecycle/mark.ts';
import { steps } from '../api/commands.ts';
import type { Blueprint } from '../blueprint.ts';
import { diskType, generationOf, secureTemplate } from '../blueprint.ts';
import { checkRoom, lookForParts } from './capacity.ts';
import { diskPlaces, makeDisk } from './disk.ts';
import { type Found, remark, showIfThere, takeIfThere } from './find.ts';
import { type Hardware, hardwareOf, reshape, rewire } from './hardware.ts';
import { building, markFor } from './notes.ts';
import { isRunning, order } from './orders.ts';
import { powerOn } from './power.ts';
import { machineFolder, removeMachine, withdraw } from './remove.ts';
import { alone, nobody, type Rig, within } from './session.ts';

/** Looks early for everything that create will need; reserves nothing and may be skipped. */
export async function prepare(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Preparation> {
  const found = await showIfThere(rig, instance);
  if (found !== undefined) return { details: { hyperv_id: found.id } };
  checkRoom(rig, instance, blueprint, await lookForParts(rig, blueprint));
  return { details: { hyperv_host: new URL(rig.settings.url).hostname } };
}

/**
 * Makes the machine and starts it. One that is there already is started as it is, one that an
 * earlier create left half-made is made anew; another create under way is waited for.
 */
export function create(rig: Rig, instance: SizedInstance, blueprint: Blueprint): Promise<void> {
  return alone(rig, instance, async () => {
    const found = await takeIfThere(rig, instance);
    if (found?.mark.state === 'built') {
      rig.context.log('create.exists', { machine: found.id });
      return powerOn(rig, instance, found);
    }
    const hardware = hardwareOf(instance, rig.settings);
    if (found !== undefined) {
      rig.context.log('create.half-made', { machine: found.id });
      await removeMachine(rig, found);
    }
    const survey = await lookForParts(rig, blueprint);
    checkRoom(rig, instance, blueprint, survey);
    return withUndo(rig.context, (undo) => build(rig, instance, blueprint, { hardware, undo }));
  });
}

interface Plan {
  readonly hardware: Hardware;
  readonly undo: Undo;
}

async function build(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  { hardware, undo }: Plan,
): Promise<void> {
  const found = await make(rig, instance, blueprint, { hardware, undo });
  const { id, proof } = found;
  const [path] = diskPlaces(rig.settings, found.mark, diskType(blueprint));
  await makeDisk(rig, blueprint, path, instance.name);
  await rig.host.ask(steps.attach, {
    ...{ id, proof, disk: path },
    iso: blueprint.template_type === 'iso' ? (blueprint.iso_path ?? '') : '',
    secure: secureTemplate(instance, blueprint),
  });
  await reshape(rig, found, hardware);
  await rewire(rig, found, [], hardware.wiring);
  await order(rig, found, 'start', isRunning);
  await finish(rig, found);
}

/**
 * Writes that the machine is built. Once that is written others may have reported it, so that it is
 * looked for before anything is taken back.
 */
async function finish(rig: Rig, found: Found): Promise<void> {
  try {
    await remark(rig, found, { ...found.mark, state: 'built' });
  } catch (thrown) {
    const { notes } = await within(rig, rig.context.deadline.forUndo())
      .host.ask(steps.machine, { id: found.id })
      .catch((unread: unknown) => {
        expectFailure(unread);
        throw thrown;
      });
    const mark = readMark(notes);
    if (typeof mark !== 'object' || mark.state !== 'built') throw thrown;
    const { message: after } = expectFailure(thrown);
    rig.context.log('create.finished', { machine: found.id, after });
  }
}

async function make(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  { hardware, undo }: Plan,
): Promise<Found> {
  const { uuid, name } = instance;
  const draft = markFor(rig, instance, nobody, building);
  let known: Found | undefined;
  // Before the answer: also what is made by a call that never answers is taken back.
  undo.add(`remove the half-made machine of ${name}`, async (margin) => {
    if (known !== undefined) return withdraw(rig, known, margin);
    // The process that kept the others away may be gone, and one of them be at the same.
    return alone(within(rig, margin), instance, async () => {
      const left = await leftOver(rig, instance, margin);
      if (left !== undefined) await withdraw(rig, left, margin);
    });
  });
  const { id } = await rig.host.ask(steps.make, {
    name,
    generation: generationOf(instance, blueprint),
    memory: hardware.memory,
    path: machineFolder(rig, instance),
    notes: writeMark(draft),
    // Keeps the place for the id, which is not known before the machine is made.
    blank: nobody,
  });
  const mark = { ...draft, remoteId: id };
  known = { id, proof: uuid, name, state: 'Off', notes: writeMark(mark), mark };
  rig.context.log('machine.made', { machine: id });
  const details = await rig.host.ask(steps.machine, { id });
  // Every new machine has one with a name in the language of the host.
  const remove = details.adapters.map((adapter) => adapter.id);
  await rig.host.ask(steps.wire, { id, proof: uuid, remove, adapters: [] });
  return known;
}

/** What a create whose answer got lost may have made; only what is marked as being built. */
async function leftOver(
  rig: Rig,
  instance: SizedInstance,
  margin: Deadline,
): Promise<Found | undefined> {
  const found = await showIfThere(within(rig, margin), instance);
  return found?.mark.state === 'building' ? found : undefined;
}
