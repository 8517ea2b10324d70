import { keep } from '../bench/instance.ts';
import { believe, doubt, type Item } from './items.ts';
import type { CallOptions, Done, ManagementServer } from './management-server.ts';
import type { Random } from './random.ts';

/*
 * The jobs of CloudStack with an instance, one at a time: the calls in their order, and the state that it
 * believes afterwards, for every answer.
 */

export type Job = (managementServer: ManagementServer, item: Item, random: Random) => Promise<void>;

const isDone = ({ outcome }: Done): boolean => outcome === 'done';

async function change(
  managementServer: ManagementServer,
  item: Item,
  action: string,
  options: CallOptions = {},
) {
  doubt(item);
  return isDone(await managementServer.call(item, action, options));
}

/** Prepare, which may be skipped, and create, which may come twice at once; a stop if it fails. */
export const deploy: Job = async (managementServer, item, random) => {
  if (random.chance(0.6)) {
    const prepared = await managementServer.call(item, 'prepare');
    item.tried = true;
    if (!isDone(prepared)) return giveUp(managementServer, item);
    item.vm = keep(item.vm, prepared.document);
  }
  await create(managementServer, item, random);
};

export const create: Job = async (managementServer, item, random) => {
  doubt(item);
  item.tried = true;
  const concurrentCreates = Array.from(
    { length: random.chance(managementServer.concurrentCreates) ? 2 : 1 },
    () => managementServer.call(item, 'create'),
  );
  const made = await Promise.all(concurrentCreates);
  if (!made.some(isDone)) return giveUp(managementServer, item);
  believe(item, 'running', made.every(isDone));
};

async function giveUp(managementServer: ManagementServer, item: Item): Promise<void> {
  await change(managementServer, item, 'stop', { state: 'Starting', deploying: true });
  believe(item, 'absent', false);
}

export const stop: Job = async (managementServer, item) =>
  void (await stopped(managementServer, item));

async function stopped(managementServer: ManagementServer, item: Item): Promise<boolean> {
  const done = await change(managementServer, item, 'stop', { state: 'Stopping' });
  if (done) believe(item, 'stopped', true);
  return done;
}

export const start: Job = async (managementServer, item) => {
  if (await change(managementServer, item, 'start')) return believe(item, 'running', true);
  const halted = await change(managementServer, item, 'stop', {
    state: 'Starting',
    deploying: false,
  });
  believe(item, 'stopped', halted);
};

/** For an instance that runs already. */
export const repeat: Job = async (managementServer, item, random) => {
  const action = random.pick(['create', 'start', 'reboot']);
  if (await change(managementServer, item, action)) believe(item, 'running', true);
};

/** Stopped first if need be; what fails is tried again, and nothing else any more. */
export const expunge: Job = async (managementServer, item) => {
  item.doomed = true;
  if (item.belief === 'running' && !(await stopped(managementServer, item))) return;
  if (await change(managementServer, item, 'delete', { state: 'Expunging' }))
    believe(item, 'expunged', true);
};

const snapshotActions = ['CreateSnapshot', 'CreateSnapshot', 'RestoreSnapshot', 'DeleteSnapshot'];

export const snapshot: Job = async (managementServer, item, random) => {
  const { snapshot: key } = item.host.system;
  if (key === undefined) return;
  const { belief, sure } = item;
  const name = random.pick(snapshotActions);
  const parameters = { [key]: random.pick(['one', 'two']) };
  if (random.chance(0.25)) {
    await managementServer.call(item, 'ListSnapshots', { custom: { name: 'ListSnapshots' } });
    return;
  }
  // Running stays running and stopped stays stopped, also when the disks change.
  if (await change(managementServer, item, name, { custom: { name, parameters } })) {
    believe(item, belief, sure);
  }
};
