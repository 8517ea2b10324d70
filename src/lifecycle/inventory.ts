import type { Instance } from '../contract/instance.ts';
import type { Machine, RemoteMachine } from '../contract/machine.ts';
import { adoptFound, exclusively } from './certain.ts';
import { claimOf, type Life, stepOf } from './find.ts';
import { chooseOwn, isMarkedFor } from './ownership.ts';
import { refusal, refusedAdoption } from './refusals.ts';

/** All machines that this host can see, made by us or not, for `audit`. */
export async function machines(life: Life): Promise<readonly RemoteMachine[]> {
  const { driver, context } = life;
  const all = await driver.list('inventory', context.deadline);
  const described = all.map((machine) => driver.describe(machine, context.deadline));
  const leftovers = (await driver.leftovers?.(all, context.deadline)) ?? [];
  return [...(await Promise.all(described)), ...leftovers];
}

/** Marks an unmarked machine as the instance's, at the operator's word. */
export function adopt(life: Life, remoteId: string, instance: Instance): Promise<void> {
  return exclusively(life, instance, async () => {
    const adopted = await adoptFound(life, await adoptable(life, remoteId, instance), instance);
    await life.driver.untilListed?.(adopted, stepOf(life, instance));
  });
}

/** Fails as `adopt` would, with the same checks, and marks nothing. */
export async function planAdoption(
  life: Life,
  remoteId: string,
  instance: Instance,
): Promise<void> {
  await adoptable(life, remoteId, instance);
}

async function adoptable(life: Life, remoteId: string, instance: Instance): Promise<Machine> {
  const refuse = (why: string) => refusedAdoption(remoteId, instance, why);
  const { driver, context } = life;
  const all = await driver.list('own', context.deadline);
  const wanted = { uuid: instance.uuid, installation: context.installation };
  const own = all.find((machine) => machine.leaving !== true && isMarkedFor(machine, wanted));
  if (own !== undefined) throw refuse(`the instance has machine ${own.remoteId} already`);
  refuseElsewhere(life, instance, all);
  const machine = await machineUnder(life, remoteId, all);
  if (machine === undefined) throw refuse('there is no such machine');
  if (machine.mark !== undefined) throw refuse('the machine carries a mark already');
  if (machine.template === true) throw refuse('it is a template');
  const unfit = driver.unadoptable?.(machine);
  if (unfit !== undefined) throw refuse(unfit);
  await driver.refuseAdoption?.(machine, stepOf(life, instance));
  return machine;
}

/** The instance has a machine already, under the id that this installation had before it was lost. */
function refuseElsewhere(life: Life, instance: Instance, all: readonly Machine[]): void {
  const claim = claimOf(life, instance);
  const choice = chooseOwn(all, claim);
  const isElsewhere = choice.kind === 'doubtful' && choice.doubt === 'installation';
  if (isElsewhere) throw refusal(choice, claim);
}

async function machineUnder(
  { driver, context }: Life,
  remoteId: string,
  all: readonly Machine[],
): Promise<Machine | undefined> {
  if (driver.get !== undefined) return driver.get(remoteId, context.deadline);
  return all.find((machine) => machine.remoteId === remoteId);
}
