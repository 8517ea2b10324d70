import type { Undo } from '../../contract/context.ts';
import type { SizedInstance } from '../../contract/instance.ts';
import { statusOf, wasNotSent } from '../../failure.ts';
import { withUndo } from '../../kit/undo.ts';
import type { Blueprint } from './blueprint.ts';
import { planBuild } from './build.ts';
import { isBeingRemoved } from './claim.ts';
import { destroyHalfMade } from './destroy.ts';
import { takeIfThere } from './find.ts';
import { finish, offUnlessFit } from './finish.ts';
import { type Made, removeMade } from './leftovers.ts';
import { isBuilding, type Machine } from './machine.ts';
import type { Build } from './new-machine.ts';
import { powerOn } from './power.ts';
import { type Rig, under } from './rig.ts';
import { checkMemory } from './room.ts';
import { isIdInUse } from './said.ts';
import { type Survey, survey } from './survey.ts';
import { candidateIds, noIdLeft } from './vmids.ts';

/**
 * Makes the machine and starts it. One that is there already is started as it is, one that an
 * earlier create left half-made is finished, one that is still being copied is waited for.
 */
export function create(rig: Rig, instance: SizedInstance, blueprint: Blueprint): Promise<void> {
  return withUndo(rig.context, async (undo) => {
    const found = await survey(rig);
    const machine = await takeIfThere(rig, instance, 'create', found.machines);
    if (machine !== undefined) return goOn(rig, { instance, blueprint, machine, undo, found });
    const build = await planBuild(rig, instance, blueprint, found);
    await makeAnew(rig, { instance, blueprint, build, found, undo });
  });
}

interface Going {
  readonly instance: SizedInstance;
  readonly blueprint: Blueprint;
  readonly machine: Machine;
  readonly undo: Undo;
  readonly found: Survey;
}

async function goOn(rig: Rig, going: Going): Promise<void> {
  const { instance, blueprint, machine, undo, found } = going;
  const { vmid } = machine;
  if (!isBuilding(machine)) {
    rig.context.log('create.exists', { machine: vmid });
    return powerOn(rig, instance, machine);
  }
  if (isBeingRemoved(machine.config)) return instead(rig, going);
  rig.context.log('create.half-made', { machine: vmid });
  let ours = false;
  undo.add(`remove machine ${vmid}`, (deadline) =>
    removeMade(under(rig, deadline), instance, { places: [machine], spareRunning: !ours }),
  );
  const started = (): void => {
    ours = true;
  };
  const rested = await offUnlessFit(rig, { instance, blueprint, machine });
  if (rested === machine) checkMemory(rig.settings, found, instance);
  await finish(rig, { instance, blueprint, machine: rested, started }, undo);
}

/** Whoever was taking the machine away may have been killed over it, or be at it still. */
async function instead(rig: Rig, { machine, ...going }: Going): Promise<void> {
  const { instance, blueprint, found } = going;
  rig.context.log('create.removed', { machine: machine.vmid });
  await destroyHalfMade(rig, machine, machine.config);
  const build = await planBuild(rig, instance, blueprint, found);
  await makeAnew(rig, { ...going, build });
}

interface Making extends Omit<Going, 'machine'> {
  readonly build: Build;
}

/** Tries one id after the other: somebody may always have been faster, ourselves included. */
async function makeAnew(rig: Rig, making: Making): Promise<void> {
  const { instance, blueprint, build, found, undo } = making;
  const taken = new Set(found.machines.map(({ vmid }) => vmid));
  for (const vmid of candidateIds(rig.settings, instance)) {
    if (taken.has(vmid)) continue;
    const machine = await makeUnder(rig, making, vmid);
    if (machine !== undefined) return finish(rig, { instance, blueprint, machine }, undo);
    rig.context.log('id.taken', { machine: vmid, build: build.kind });
    const other = await takeIfThere(rig, instance, 'create');
    if (other !== undefined) return goOn(rig, { instance, blueprint, machine: other, undo, found });
  }
  throw noIdLeft(rig.settings);
}

/** The machine, or `undefined` when the id was taken meanwhile: then nothing was made. */
async function makeUnder(
  rig: Rig,
  { instance, build, undo }: Making,
  vmid: number,
): Promise<Machine | undefined> {
  const places = build.places.map((node) => ({ node, vmid }));
  let made: Made | undefined = { places, task: 'unknown' };
  undo.add(`remove machine ${vmid}`, async (deadline) => {
    if (made !== undefined) await removeMade(under(rig, deadline), instance, made);
  });
  try {
    const machine = await build.make(vmid, (task) => {
      made = { places, task };
    });
    made = { places: [machine] };
    return machine;
  } catch (thrown) {
    const inUse = isIdInUse(thrown, vmid);
    if (inUse || (made?.task === 'unknown' && isRefusal(thrown))) made = undefined;
    if (!inUse) throw thrown;
    return undefined;
  }
}

/** Proxmox VE itself said no, or never heard of it: no task was begun. */
function isRefusal(thrown: unknown): boolean {
  return [400, 401, 403, 500, 501].includes(statusOf(thrown) ?? 0) || wasNotSent(thrown);
}
