import type { Undo } from '../contract/context.ts';
import type { Blueprint, Making, Plan, Preparation } from '../contract/driver.ts';
import type { SizedInstance } from '../contract/instance.ts';
import type { Machine } from '../contract/machine.ts';
import { expectFailure, Failure, hasReason, isKind, statusOf } from '../failure.ts';
import { fillWords } from '../kit/console-address.ts';
import { withUndo } from '../kit/undo.ts';
import {
  exclusively,
  findBeforeCreate,
  findForChange,
  foundIn,
  markOf,
  takeUnder,
} from './certain.ts';
import { checkNew } from './demands.ts';
import { type Life, refuseForeign, stepOf } from './find.ts';
import { withGuest } from './guest.ts';
import { isBuilding } from './ownership.ts';
import { beingRemoved } from './refusals.ts';
import { consoleDetail, fillConsoleUrl } from './shared-settings.ts';
import { ensureOn } from './start.ts';

/** Chooses what CloudStack is to remember; adopts nothing, and may be skipped or repeated. */
export async function prepare(
  life: Life,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Preparation> {
  const { driver, context } = life;
  const plan = { instance, blueprint, deadline: context.deadline };
  const { consoleWords = {}, ...own }: Preparation =
    driver.prepare === undefined
      ? {}
      : await driver.prepare(plan, await findBeforeCreate(life, instance));
  const { consoleButton: address } = driver.policy;
  if (address === undefined) return own;
  const url = fillWords(fillConsoleUrl(address, instance), consoleWords);
  return { ...own, details: { ...own.details, [consoleDetail]: url } };
}

/** A machine that is lost to another call this soon was lost to a twin of this create. */
const twinMs = 30_000;
const mostRounds = 5;

/**
 * Ends only when the instance's machine runs; a failure takes back what this call has made. A machine
 * that is finished already is switched on as for a start. When another call for the same instance takes
 * the machine away, the create begins anew.
 */
export async function create(
  life: Life,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<void> {
  checkNew(life.driver, instance);
  const { deadline, log } = life.context;
  const plan = { instance, blueprint, deadline };
  for (let round = 1; ; round += 1) {
    const beganMs = deadline.remainingMs();
    try {
      return await exclusively(life, instance, () =>
        withGuest(life, instance, (watched, given) =>
          createOnce(watched, { ...plan, instance: given }),
        ),
      );
    } catch (thrown) {
      const soon = beganMs - deadline.remainingMs() < twinMs;
      if (!hasReason(thrown, 'taken-away') || !soon || round === mostRounds) throw thrown;
      log('create.taken-away', { round, error: Failure.from(thrown).message });
    }
    const pauseMs = 100 + Math.random() * 300;
    await deadline.sleep(pauseMs, `waiting for another call for ${instance.name}`);
  }
}

async function createOnce(life: Life, plan: Plan): Promise<void> {
  const { machine, partials } = foundIn(await findForChange(life, plan.instance, 'create'));
  if (machine === undefined) return make(life, plan, partials);
  life.context.log('create.exists', { machine: machine.remoteId });
  await ensureOn(life, machine, plan);
}

/** The mark says `built` only once the machine runs: until then any later call may remove it. */
async function make(life: Life, plan: Plan, partials: readonly Machine[]): Promise<void> {
  const { driver, context } = life;
  const { instance } = plan;
  const building = { state: 'building', origin: 'created' } as const;
  await withUndo(context, async (undo) => {
    const markFor = (remoteId: string) => markOf(life, instance, remoteId, building);
    const making: Making = { ...plan, partials, undo, markFor };
    const made = await driver.make(making);
    refuseForeign(life, made, instance);
    if (isBuilding(made)) await addDataDisks(life, made, plan, undo);
    const on = await ensureOn(life, made, plan);
    if (isBuilding(on)) await finish(life, on, instance);
  });
}

/** Those that an earlier call for the instance has made already are recognised by their numbers. */
async function addDataDisks(life: Life, machine: Machine, plan: Plan, undo: Undo): Promise<void> {
  const { data_disks: wanted } = plan.blueprint;
  if (!Array.isArray(wanted) || wanted.length === 0 || life.driver.disks === undefined) return;
  const { makeDataDisks } = await import('./first-disks.ts');
  await makeDataDisks({ ...life, disks: await life.driver.disks() }, machine, wanted, {
    ...plan,
    undo,
  });
}

/** Another call may finish or remove the machine at the same moment: the mark settles which. */
async function finish(life: Life, machine: Machine, instance: SizedInstance): Promise<void> {
  const { remoteId } = machine;
  if ((await writeBuilt(life, machine, instance)) !== undefined) return;
  const now = await takeUnder(life, remoteId, instance);
  if (now === undefined) throw beingRemoved(machine, instance);
  life.context.log('create.finished-by-another', { machine: remoteId });
}

const mostWrites = 3;

/**
 * Writes the mark that is never taken back, and writes it again when the answer got lost: another call
 * may have reported the machine by then. `undefined` when another call was faster with it.
 */
async function writeBuilt(
  life: Life,
  machine: Machine,
  instance: SizedInstance,
): Promise<Machine | undefined> {
  const { driver, context } = life;
  const built = markOf(life, instance, machine.remoteId, { state: 'built', origin: 'created' });
  for (let write = 1; ; write += 1) {
    try {
      const written = await driver.writeMark(machine, built, stepOf(life, instance));
      return written === 'lost' ? undefined : written;
    } catch (thrown) {
      if (!isUnanswered(thrown) || write === mostWrites) throw thrown;
      context.log('create.mark-unanswered', { machine: machine.remoteId, after: thrown.message });
      const now = await takeUnder(life, machine.remoteId, instance).catch(expectFailure);
      if (now !== undefined && !(now instanceof Failure)) return now;
    }
  }
}

/** Whether no answer came: the mark may have been written all the same. */
function isUnanswered(thrown: unknown): thrown is Failure {
  const kinds = ['unreachable', 'timeout', 'upstream'] as const;
  return isKind(thrown, ...kinds) && statusOf(thrown) === undefined;
}
