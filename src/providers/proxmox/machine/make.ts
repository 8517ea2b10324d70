import type { Undo } from '../../../contract/context.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { statusOf, wasNotSent } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import { isIdInUse } from '../api/remote-error.ts';
import type { Blueprint } from '../blueprint.ts';
import { planBuild } from './build.ts';
import { checkMemory } from './capacity.ts';
import { isBeingRemoved } from './claim.ts';
import { type Survey, survey } from './cluster-resources.ts';
import { destroyHalfMade } from './destroy.ts';
import { takeIfThere } from './find.ts';
import { finish, offUnlessFit } from './finish.ts';
import { type Made, removeMade } from './leftovers.ts';
import { isBuilding, type Machine } from './machine.ts';
import type { Build } from './new-machine.ts';
import { powerOn } from './power.ts';
import { type Session, under } from './session.ts';
import { candidateIds, noIdLeft } from './vmids.ts';

/**
 * Makes the machine and starts it. One that is there already is started as it is, one that an
 * earlier create left half-made is finished, one that is still being copied is waited for.
 */
export function create(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<void> {
  return withUndo(session.context, async (undo) => {
    const found = await survey(session);
    const machine = await takeIfThere(session, instance, 'create', found.machines);
    if (machine !== undefined) return goOn(session, { instance, blueprint, machine, undo, found });
    const build = await planBuild(session, instance, blueprint, found);
    await makeAnew(session, { instance, blueprint, build, found, undo });
  });
}

interface Going {
  readonly instance: SizedInstance;
  readonly blueprint: Blueprint;
  readonly machine: Machine;
  readonly undo: Undo;
  readonly found: Survey;
}

async function goOn(session: Session, going: Going): Promise<void> {
  const { instance, blueprint, machine, undo, found } = going;
  const { vmid } = machine;
  if (!isBuilding(machine)) {
    session.context.log('create.exists', { machine: vmid });
    return powerOn(session, instance, machine);
  }
  if (isBeingRemoved(machine.config)) return instead(session, going);
  session.context.log('create.half-made', { machine: vmid });
  let ours = false;
  undo.add(`remove machine ${vmid}`, (deadline) =>
    removeMade(under(session, deadline), instance, { places: [machine], spareRunning: !ours }),
  );
  const started = (): void => {
    ours = true;
  };
  const rested = await offUnlessFit(session, { instance, blueprint, machine });
  if (rested === machine) checkMemory(session.settings, found, instance);
  await finish(session, { instance, blueprint, machine: rested, started }, undo);
}

/** Whoever was taking the machine away may have been killed over it, or be at it still. */
async function instead(session: Session, { machine, ...going }: Going): Promise<void> {
  const { instance, blueprint, found } = going;
  session.context.log('create.removed', { machine: machine.vmid });
  await destroyHalfMade(session, machine, machine.config);
  const build = await planBuild(session, instance, blueprint, found);
  await makeAnew(session, { ...going, build });
}

interface Making extends Omit<Going, 'machine'> {
  readonly build: Build;
}

/** Tries one id after the other: somebody may always have been faster, ourselves included. */
async function makeAnew(session: Session, making: Making): Promise<void> {
  const { instance, blueprint, build, found, undo } = making;
  const taken = new Set(found.machines.map(({ vmid }) => vmid));
  for (const vmid of candidateIds(session.settings, instance)) {
    if (taken.has(vmid)) continue;
    const machine = await makeUnder(session, making, vmid);
    if (machine !== undefined) return finish(session, { instance, blueprint, machine }, undo);
    session.context.log('id.taken', { machine: vmid, build: build.kind });
    const other = await takeIfThere(session, instance, 'create');
    if (other !== undefined)
      return goOn(session, { instance, blueprint, machine: other, undo, found });
  }
  throw noIdLeft(session.settings);
}

/** The machine, or `undefined` when the id was taken meanwhile: then nothing was made. */
async function makeUnder(
  session: Session,
  { instance, build, undo }: Making,
  vmid: number,
): Promise<Machine | undefined> {
  const places = build.places.map((node) => ({ node, vmid }));
  let made: Made | undefined = { places, task: 'unknown' };
  undo.add(`remove machine ${vmid}`, async (deadline) => {
    if (made !== undefined) await removeMade(under(session, deadline), instance, made);
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
