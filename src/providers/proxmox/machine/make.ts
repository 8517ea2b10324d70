import type { Making } from '../../../contract/driver.ts';
import { statusOf, wasNotSent } from '../../../failure.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { isIdInUse } from '../api/error-texts.ts';
import type { Config } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { type Build, nameFor, planIso } from './build.ts';
import { type ClusterResources, checkMemory } from './capacity.ts';
import { checkNics } from './check-nics.ts';
import { planClone } from './clone.ts';
import { isEmpty } from './config.ts';
import { candidateIds, type Machine, machineByConfig, noIdLeft } from './machine.ts';
import { descriptionWith } from './mark.ts';
import { netKeys } from './nics.ts';
import { type Made, removeMade } from './partial.ts';
import { cutPower } from './power.ts';
import { madeMeanwhile } from './prepare.ts';
import { isRunning, readConfig, readLive, stateOf } from './read.ts';
import { destroyPartial, isBeingRemoved } from './remove.ts';
import { checkSeed } from './seed-change.ts';
import type { Session } from './session.ts';
import { newChange, setUp } from './set-up.ts';

type CreateRequest = Making<Machine, Blueprint>;

/** The instance's machine, set up and off, or as another call has finished it meanwhile. */
export async function make(
  session: Session,
  request: CreateRequest,
  found: ClusterResources,
): Promise<Machine> {
  const [partial] = request.partials;
  if (partial === undefined) return createWithFreeId(session, request, found);
  if (!isBeingRemoved(partial.config)) return resumeCreate(session, request, { partial, found });
  // The call that was taking the machine away may have been killed over it, or be at it still.
  session.context.log('create.removed', { machine: partial.vmid });
  await destroyPartial(session, partial, partial.config);
  return createWithFreeId(session, request, found);
}

interface Resuming {
  readonly partial: Machine;
  readonly found: ClusterResources;
}

/**
 * Finishes a machine that an earlier create has left. One that runs already and is as it should be
 * stays on; with other hardware it is switched off, since no tenant uses it yet.
 */
async function resumeCreate(
  session: Session,
  { instance, blueprint, undo }: CreateRequest,
  { partial, found }: Resuming,
): Promise<Machine> {
  const { settings, context } = session;
  const { vmid } = partial;
  context.log('create.partial', { machine: vmid });
  undo.add(`remove machine ${vmid}`, (deadline) =>
    removeMade(session.at(deadline), instance, { places: [partial], spareRunning: true }),
  );
  const live = await readLive(session, partial);
  if (!isRunning(live)) {
    checkMemory(settings, found, instance);
    return off(await setUp(session, { instance, blueprint, machine: partial }, undo));
  }
  const current = { ...partial, config: await readConfig(session, partial, { current: true }) };
  if (isEmpty(newChange(settings, instance, current.config))) {
    return { ...current, left: stateOf(live) };
  }
  await cutPower(session, partial);
  return off(await setUp(session, { instance, blueprint, machine: partial }, undo));
}

function off(machine: Machine): Machine {
  return { ...machine, left: 'off' };
}

/** Tries one id after the other: another call may always have been faster, for this instance too. */
async function createWithFreeId(
  session: Session,
  request: CreateRequest,
  found: ClusterResources,
): Promise<Machine> {
  const { instance, blueprint, undo } = request;
  checkMemory(session.settings, found, instance);
  await checkSeed(session, { instance, blueprint });
  // NICs and keys that can never be written fail here, before minutes have gone into a copy.
  const { set } = newChange(session.settings, instance, {});
  const plan = blueprint.template_type === 'iso' ? planIso : planClone;
  const build = await plan(session, instance, blueprint, found);
  await checkNics(
    session,
    netKeys(set).map((key) => set[key] ?? ''),
    instance.nics,
  );
  const taken = new Set(found.machines.map(({ vmid }) => vmid));
  for (const vmid of candidateIds(session.settings, instance)) {
    if (taken.has(vmid)) continue;
    const machine = await tryCreate(session, request, build, vmid);
    if (machine !== undefined) {
      return off(await setUp(session, { instance, blueprint, machine }, undo));
    }
    session.context.log('id.taken', { machine: vmid, build: build.kind });
    const other = await madeMeanwhile(session, instance);
    if (other === undefined) continue;
    return isBuilding(other) ? make(session, { ...request, partials: [other] }, found) : other;
  }
  throw noIdLeft(session.settings);
}

/** The machine, or `undefined` when the id was taken meanwhile: then nothing was made. */
async function tryCreate(
  session: Session,
  { instance, blueprint, undo, markFor }: CreateRequest,
  build: Build,
  vmid: number,
): Promise<Machine | undefined> {
  const places = build.places.map((node) => ({ node, vmid }));
  let made: Made | undefined = { places, task: 'unknown' };
  undo.add(`remove machine ${vmid}`, async (deadline) => {
    if (made !== undefined) await removeMade(session.at(deadline), instance, made);
  });
  const description = descriptionWith(session, markFor(String(vmid)));
  try {
    const options = await build.make({ vmid, description }, (task) => {
      made = { places, task };
    });
    const machine = newMachine(session, vmid, {
      ...options,
      ...{ description, name: nameFor(instance, blueprint) },
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

function newMachine({ settings }: Session, vmid: number, config: Config): Machine {
  const { node, pool } = settings;
  const place = { vmid, node, pool, name: config['name'] };
  const row = { ...place, status: 'stopped', tags: undefined, lock: undefined, template: false };
  return machineByConfig(row, config);
}

/** Proxmox VE itself refused the request, or it was not sent: no task was begun. */
function isRefusal(thrown: unknown): boolean {
  return [400, 401, 403, 500, 501].includes(statusOf(thrown) ?? 0) || wasNotSent(thrown);
}
