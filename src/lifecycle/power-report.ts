import type { Machine, Power } from '../contract/machine.ts';
import type { Life } from './find.ts';
import { overview } from './overview.ts';
import { isBuilding, isInstanceName, isProved, otherInstallations } from './ownership.ts';
import { powerOf } from './power.ts';
import { nothingMade, strangeInstallation, strangeNodes, unreadableMachines } from './refusals.ts';
import { speaksFor } from './responsibility.ts';

/**
 * The power of every instance that this host speaks for, by instance name. Fails rather than leave one
 * out: CloudStack takes an instance that is missing in the report for stopped.
 */
export async function powerReport(life: Life): Promise<ReadonlyMap<string, Power>> {
  const { driver, context } = life;
  const isMine = (machine: Machine): boolean => speaksFor(machine, driver.policy);
  const all = await driver.list('report', context.deadline);
  const { installation } = context;
  const others = otherInstallations(all, installation);
  const proved = isProved(all, installation);
  if (!proved && others.length > 0) throw strangeInstallation(installation, others);
  await refuseStrangeNodes(life, all);
  const { certain, doubtful, unseen } = overview(all, installation);
  if (unseen.some(isMine)) throw unreadableMachines(unseen.filter(isMine));
  const report = new Map<string, Power>();
  for (const { name, machines } of doubtful) {
    if (machines.some(isMine) && mayBeInstance(name, machines)) report.set(name, 'unknown');
  }
  const mine = certain.filter(({ machine }) => isMine(machine));
  for (const { mark } of mine) report.set(mark.name, 'unknown');
  const built = mine.filter(({ machine }) => !isBuilding(machine));
  const states = await statesOf(
    life,
    built.map(({ machine }) => machine),
  );
  for (const [at, { mark }] of built.entries())
    report.set(mark.name, powerOf(states[at] ?? 'unknown'));
  if (!proved && report.size === 0) throw nothingMade(installation);
  return report;
}

/** A node that was mistyped or renamed holds no machine, which is asked about before it is believed. */
async function refuseStrangeNodes(
  { driver, context }: Life,
  all: readonly Machine[],
): Promise<void> {
  const { nodes = [] } = driver.policy;
  const empty = nodes.filter((node) => !all.some((machine) => machine.node === node));
  if (empty.length === 0 || driver.nodes === undefined) return;
  const known = await driver.nodes(context.deadline);
  const strange = empty.filter((node) => !known.includes(node));
  if (strange.length > 0) throw strangeNodes(strange, known);
}

async function statesOf({ driver, context }: Life, machines: readonly Machine[]) {
  const { deadline } = context;
  if (driver.states !== undefined) return driver.states(machines, deadline);
  return Promise.all(machines.map((machine) => driver.state(machine, 'report', deadline)));
}

/** Names of other machines mean nothing to CloudStack, and there may be hundreds of them. */
function mayBeInstance(name: string, machines: readonly Machine[]): boolean {
  return isInstanceName(name) || machines.some(({ mark }) => mark !== undefined);
}
