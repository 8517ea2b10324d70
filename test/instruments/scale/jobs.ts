import { keep } from '../bench/instance.ts';
import { believe, doubt, type Item } from './items.ts';
import type { CallOptions, Done, Office } from './office.ts';
import type { Random } from './random.ts';

/*
 * What CloudStack does with an instance, one job at a time: the calls in their order, and what it
 * believes afterwards, whatever they answered.
 */

export type Job = (office: Office, item: Item, random: Random) => Promise<void>;

const isDone = ({ outcome }: Done): boolean => outcome === 'done';

async function change(office: Office, item: Item, action: string, options: CallOptions = {}) {
  doubt(item);
  return isDone(await office.call(item, action, options));
}

/** Prepare, which may be skipped, and create, which may come twice at once; a stop if it fails. */
export const deploy: Job = async (office, item, random) => {
  if (random.chance(0.6)) {
    const prepared = await office.call(item, 'prepare');
    item.tried = true;
    if (!isDone(prepared)) return giveUp(office, item);
    item.vm = keep(item.vm, prepared.document);
  }
  await create(office, item, random);
};

export const create: Job = async (office, item, random) => {
  doubt(item);
  item.tried = true;
  const twins = Array.from({ length: random.chance(office.twins) ? 2 : 1 }, () =>
    office.call(item, 'create'),
  );
  const made = await Promise.all(twins);
  if (!made.some(isDone)) return giveUp(office, item);
  believe(item, 'running', made.every(isDone));
};

async function giveUp(office: Office, item: Item): Promise<void> {
  await change(office, item, 'stop', { state: 'Starting', deploying: true });
  believe(item, 'absent', false);
}

export const stop: Job = async (office, item) => void (await stopped(office, item));

async function stopped(office: Office, item: Item): Promise<boolean> {
  const done = await change(office, item, 'stop', { state: 'Stopping' });
  if (done) believe(item, 'stopped', true);
  return done;
}

export const start: Job = async (office, item) => {
  if (await change(office, item, 'start')) return believe(item, 'running', true);
  const halted = await change(office, item, 'stop', { state: 'Starting', deploying: false });
  believe(item, 'stopped', halted);
};

/** For an instance that runs already. */
export const repeat: Job = async (office, item, random) => {
  const action = random.pick(['create', 'start', 'reboot']);
  if (await change(office, item, action)) believe(item, 'running', true);
};

/** Stopped first if need be; what fails is tried again, and nothing else any more. */
export const expunge: Job = async (office, item) => {
  item.doomed = true;
  if (item.belief === 'running' && !(await stopped(office, item))) return;
  if (await change(office, item, 'delete', { state: 'Expunging' })) believe(item, 'expunged', true);
};

const snapshotActions = ['CreateSnapshot', 'CreateSnapshot', 'RestoreSnapshot', 'DeleteSnapshot'];

export const snapshot: Job = async (office, item, random) => {
  const { snapshot: key } = item.host.system;
  if (key === undefined) return;
  const { belief, sure } = item;
  const name = random.pick(snapshotActions);
  const parameters = { [key]: random.pick(['one', 'two']) };
  if (random.chance(0.25)) {
    await office.call(item, 'ListSnapshots', { custom: { name: 'ListSnapshots' } });
    return;
  }
  // Running stays running and stopped stays stopped, whatever is done to the disks.
  if (await change(office, item, name, { custom: { name, parameters } })) {
    believe(item, belief, sure);
  }
};
