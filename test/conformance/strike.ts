import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { admin, type Custom } from '../support/payloads.ts';
import type { Done } from '../support/world.ts';
import type { Backend, Break, Broken, RemoteMachine, SetUp } from './backend.ts';
import type { Breaks } from './break.ts';
import { type Cloud, has, inScene, type Options, type Scene } from './cloud.ts';
import { markOf } from './machine.ts';

/** One break, on a system of its own. */
export interface Struck extends Scene {
  /** The machines that have nothing to do with the instance. */
  readonly others: readonly RemoteMachine[];
  /** Whether the action succeeded all the same. */
  readonly succeeded: boolean;
}

export interface Plot {
  readonly action: 'create' | 'delete' | 'start' | 'AddDisk' | 'DetachDisk' | 'DeleteDisk';
  /** The parameters of a custom action. */
  parameters?(cloud: Cloud): Promise<Custom['parameters']>;
  readonly breaks: readonly Breaks[];
  first?(cloud: Cloud): Promise<void>;
  /** Checks the promises once the system works again. */
  after(struck: Struck): Promise<void>;
}

/** No action is expected to make more changes than this. */
const mostChanges = 30;
/** Most of them only wait for their time to end. */
const atOnce = 8;
/** In seconds; who is cut off for good may wait for the end of its time. */
const shortTime = 2;
/** For a machine that is too busy to come to the break within the short time, and for the others. */
const longTime = 20;

/** Counts the changes of the action while nothing disturbs it, then breaks it off at each of them. */
export function atEveryChange(setUp: SetUp, plot: Plot): (t: TestContext) => Promise<void> {
  return async (t) => {
    const breaks: Break[] = [];
    await inScene(setUp, async (scene) => {
      if (!canBreak(t, scene)) return;
      const changes = await countChanges(scene, plot);
      breaks.push(...plot.breaks.flatMap((some) => some(changes)));
    })(t);
    await inTurns(breaks, (where) => atOneChange(t, setUp, plot, where));
  };
}

/** So many at a time; the first failure is thrown when nothing is going on any more. */
async function inTurns(
  breaks: readonly Break[],
  play: (where: Break) => Promise<void>,
): Promise<void> {
  const waiting = [...breaks];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await play(next).catch((error: unknown) => void failures.push(error));
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) throw failures[0];
}

/** The instance's machines, after it is sure that there is nothing new but these. */
export async function own({ backend, cloud, others }: Struck): Promise<readonly RemoteMachine[]> {
  const now = await backend.machines();
  const ids = others.map(({ remoteId }) => remoteId);
  const found = now.filter(({ remoteId }) => !ids.includes(remoteId));
  for (const machine of found) {
    assert.ok(
      isOf(cloud, machine),
      `nothing on ${machine.remoteId} says that it is the instance's`,
    );
  }
  const still = now.filter(({ remoteId }) => ids.includes(remoteId));
  assert.deepEqual(still, others, 'another machine was touched');
  return found;
}

function isOf({ vm }: Cloud, { mark, claim }: RemoteMachine): boolean {
  return mark.includes(vm.uuid) || (mark === '' && claim === vm.uuid);
}

function canBreak(t: TestContext, { backend, provider }: Scene): boolean {
  if (backend.breakOff !== undefined) return true;
  const isRemote = provider.settings['tls_fingerprint'] !== undefined;
  assert.ok(!isRemote, 'a provider that talks to a system has to let its requests break off');
  return has(t, backend, 'breakOff');
}

async function countChanges(scene: Scene, plot: Plot): Promise<number> {
  const { backend, cloud } = scene;
  await plantOthers(scene);
  await plot.first?.(cloud);
  const never = { change: Number.POSITIVE_INFINITY, how: 'before', lasts: true } as const;
  const broken = await breakOff(backend, never);
  const { exitCode, text } = await act(cloud, plot, await plot.parameters?.(cloud));
  assert.equal(exitCode, 0, `${plot.action} has to succeed, but: ${text}`);
  const changes = broken.changes();
  await broken.mend();
  assert.ok(changes >= 1, `the backend counts no change in ${plot.action}`);
  assert.ok(changes <= mostChanges, `${plot.action} makes ${changes} changes`);
  return changes;
}

async function atOneChange(t: TestContext, setUp: SetUp, plot: Plot, where: Break): Promise<void> {
  const { change, how, lasts } = where;
  const what = `${plot.action}, ${how} change ${change}, ${lasts ? 'for good' : 'once'}`;
  for (const timeoutSeconds of lasts ? [shortTime, longTime] : [longTime]) {
    let isThere = false;
    await inScene(setUp, async (scene) => {
      isThere = await strike(scene, plot, where, timeoutSeconds);
    })(t).catch((error: unknown) => {
      throw new Error(`broken off (${what}): ${String(error)}`, { cause: error });
    });
    if (isThere) return;
  }
  assert.fail(`the action never came that far (${what})`);
}

/** Whether the action came to the break; only then there is something to be true of it. */
async function strike(
  scene: Scene,
  plot: Plot,
  where: Break,
  timeoutSeconds: number,
): Promise<boolean> {
  const { backend, cloud } = scene;
  await plantOthers(scene);
  await plot.first?.(cloud);
  const parameters = await plot.parameters?.(cloud);
  const others = (await backend.machines()).filter((machine) => !isOf(cloud, machine));
  const broken = await breakOff(backend, where);
  const { exitCode } = await act(cloud, plot, parameters, { timeoutSeconds });
  await broken.mend();
  if (broken.changes() < where.change) return false;
  const succeeded = exitCode === 0;
  assert.ok(!(where.lasts && succeeded), 'it answered success, which nothing told it');
  const struck = { ...scene, others, succeeded };
  await own(struck);
  await plot.after(struck);
  await own(struck);
  return true;
}

function act(
  cloud: Cloud,
  { action, parameters }: Plot,
  given: Custom['parameters'],
  options: Options = {},
): Promise<Done> {
  if (parameters === undefined) return cloud.call(action, options);
  return cloud.custom(action, given, { ...options, caller: admin });
}

async function breakOff({ breakOff: ability }: Backend, where: Break): Promise<Broken> {
  assert.ok(ability !== undefined);
  return ability(where);
}

/** Machines that are none of the instance's: partly made, of another CloudStack, without a mark. */
async function plantOthers({ backend, cloud }: Scene): Promise<void> {
  const other = cloud.another();
  const { name } = other.vm;
  await backend.plant({ name, mark: markOf(other, { state: 'building' }) });
  const theirs = markOf(other, { installation: 'another-cloud' });
  await backend.plant({ name: 'theirs', mark: theirs, power: 'on' });
  await backend.plant({ name: 'somebodys', power: 'on' });
}
