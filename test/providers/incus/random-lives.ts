import type { Cloud } from '../../conformance/cloud.ts';
import type { Random } from '../../instruments/scale/random.ts';
import { admin, type Custom } from '../../support/payloads.ts';

/** The facts about an instance as the answers told them; `undefined` once a call about them has failed. */
export interface Known {
  power: 'on' | 'off' | undefined;
  /** The data disks by their names, connected or not. */
  disks: number | undefined;
  snapshots: number | undefined;
}

/** One instance and the choices of its life; `failures` are those of all lives together. */
export interface Life {
  readonly cloud: Cloud;
  readonly random: Random;
  readonly known: Known;
  readonly failures: string[];
}

type Move = (life: Life) => Promise<void>;

/** Plays a call, and now and then the same call twice at once; answers whether all succeeded. */
async function succeeds(
  { cloud, random, failures }: Life,
  name: string,
  parameters?: Custom['parameters'],
): Promise<boolean> {
  const isOwn = /^[a-z]/.test(name);
  const options = { caller: admin };
  const call = () => (isOwn ? cloud.call(name, options) : cloud.custom(name, parameters, options));
  const twice = isOwn && random.chance(0.2);
  const all = await Promise.all(twice ? [call(), call()] : [call()]);
  const failed = all.filter(({ exitCode }) => exitCode !== 0);
  failures.push(...failed.map(({ text }) => `${cloud.vm.name} ${name}: ${text.trim()}`));
  return failed.length === 0;
}

/** An action of CloudStack's own after which the power is known. */
function powers(action: string, power: 'on' | 'off'): Move {
  return async (life) => {
    life.known.power = (await succeeds(life, action)) ? power : undefined;
  };
}

/** A custom action that changes the count of disks or snapshots. */
function counts(
  kind: 'disks' | 'snapshots',
  name: string,
  by: 1 | -1,
  given: (life: Life) => Record<string, string | number>,
): Move {
  return async (life) => {
    const now = life.known[kind];
    if (now === undefined || now + by < 0 || now + by > 3) return;
    life.known[kind] = (await succeeds(life, name, given(life))) ? now + by : undefined;
  };
}

const addDisk = counts('disks', 'AddDisk', 1, ({ random }) => ({ size_gb: 1 + random.below(3) }));
const addSnapshot = counts('snapshots', 'CreateSnapshot', 1, ({ known }) => ({
  snap_name: `snap${known.snapshots}`,
}));
const lastSnapshot = ({ known: { snapshots = 0 } }: Life) => ({
  snap_name: `snap${snapshots - 1}`,
});

/** Detached and deleted, or detached and connected again; nothing else is known of the disk then. */
const moveDisk: Move = async (life) => {
  const { known, cloud, random } = life;
  const { disks } = known;
  if (disks === undefined || disks === 0) return;
  // The last one made: lower numbers were never given back.
  const disk = `default/data${disks}`;
  known.disks = undefined;
  if (!(await succeeds(life, 'DetachDisk', { disk }))) return;
  const keep = random.chance(0.5);
  const done = keep
    ? await succeeds(life, 'AttachDisk', { disk })
    : await succeeds(life, 'DeleteDisk', { disk, confirm: cloud.vm.name });
  if (done) known.disks = keep ? disks : disks - 1;
};

const restore: Move = async (life) => {
  const { known } = life;
  if (known.snapshots === undefined || known.snapshots === 0 || known.power === undefined) return;
  const { power } = known;
  known.power = (await succeeds(life, 'RestoreSnapshot', lastSnapshot(life))) ? power : undefined;
};

const suspend: Move = async (life) => {
  const { known } = life;
  if (known.power !== 'on') return;
  const resumed = (await succeeds(life, 'Suspend')) && (await succeeds(life, 'Resume'));
  if (!resumed) known.power = undefined;
};

/** Where snapshots are, the server refuses it. */
const reinstall: Move = async (life) => {
  const { known, cloud } = life;
  if (known.snapshots !== 0 || known.power === undefined) return;
  const { power } = known;
  const done = await succeeds(life, 'Reinstall', { confirm: cloud.vm.uuid });
  known.power = done ? power : undefined;
};

const reboot: Move = async (life) => {
  if (life.known.power !== 'on') return;
  if (!(await succeeds(life, 'reboot'))) life.known.power = undefined;
};

const moves: readonly Move[] = [
  ...[powers('stop', 'off'), powers('start', 'on'), powers('create', 'on'), reboot, suspend],
  ...[addDisk, addDisk, moveDisk, addSnapshot, restore, reinstall],
  counts('snapshots', 'DeleteSnapshot', -1, lastSnapshot),
];

/** A life from its create on; ends with the instance there, or deleted, and answers which. */
export async function live(life: Life): Promise<'there' | 'deleted'> {
  const { random } = life;
  for (let turn = 0; turn < 5; turn += 1) {
    if (await succeeds(life, 'create')) break;
  }
  for (let left = 2 + random.below(5); left > 0; left -= 1) await random.pick(moves)(life);
  if (random.chance(0.4)) return 'there';
  // CloudStack tries an expunge again until it succeeds.
  for (let turn = 0; turn < 9; turn += 1) {
    if (await succeeds(life, 'delete')) return 'deleted';
  }
  return 'there';
}
