import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { type Undo, withUndo } from '../../kit/undo.ts';
import type { Instance, Outcome } from '../../provider.ts';
import type { Blueprint } from './blueprint.ts';
import { type Disk, rootDisk } from './disks.ts';
import { growDisk } from './finish.ts';
import { readConfig } from './inventory.ts';
import { sizeGb } from './iso.ts';
import type { Machine } from './machine.ts';
import { takeBuilt } from './operations.ts';
import { writeConfig } from './ownership.ts';
import { switchOn } from './power.ts';
import { offForNow } from './restore.ts';
import { type Rig, under } from './rig.ts';
import { checkStorage } from './room.ts';
import { saveSnapshot } from './snapshots.ts';
import { type Survey, survey } from './survey.ts';
import { cancel, run } from './tasks.ts';
import { findTemplate } from './template.ts';
import { flagOf, recordOf } from './wire.ts';

/**
 * A new root disk from the template, and nothing else new: the old disk stays with the machine, held
 * by a snapshot where the storage can make one, so that the data is not gone at once.
 */
export async function reinstall(
  rig: Rig,
  instance: Instance,
  blueprint: Blueprint,
): Promise<Outcome> {
  const machine = await takeBuilt(rig, instance);
  const old = rootDisk(machine.config);
  if (old === undefined) throw new Failure('conflict', `Machine ${machine.vmid} has no root disk`);
  const found = await survey(rig);
  const source = await sourceOf(rig, blueprint, { found, machine, old });
  const ran = await offForNow(rig, machine);
  const kept = await withUndo(rig.context, async (undo) => {
    const where = await keepOld(rig, machine, undo);
    await replaceRoot(rig, { machine, old, source, undo });
    return where;
  });
  if (ran) await switchOn(rig, machine);
  return { message: `The instance was installed anew; the old disk is kept ${kept}` };
}

interface Replacing {
  readonly found: Survey;
  readonly machine: Machine;
  readonly old: Disk;
}

/** What the new disk is made of, as options of the machine; checked before anything is changed. */
async function sourceOf(
  rig: Rig,
  blueprint: Blueprint,
  { found, machine, old }: Replacing,
): Promise<Readonly<Record<string, string>>> {
  const sizeBytes = old.sizeBytes;
  checkStorage(rig.settings, found.storages, {
    node: machine.node,
    storage: old.storage,
    sizeBytes,
  });
  if (blueprint.template_type === 'iso') {
    const gib = Math.max(sizeGb(blueprint), Math.ceil(sizeBytes / 1024 ** 3));
    return {
      [old.key]: `${old.storage}:${gib}`,
      ide2: `${blueprint.iso_path ?? 'none'},media=cdrom`,
    };
  }
  const template = await findTemplate(rig, found, blueprint.template_id ?? '');
  const disk = rootDisk(template.config);
  if (disk === undefined) {
    throw new Failure('config', `Template ${template.vmid} has no disk to copy`);
  }
  return { [old.key]: `${old.storage}:0,import-from=${disk.volume}` };
}

/** A snapshot before anything is replaced; says where the old disk is to be found. */
async function keepOld(rig: Rig, machine: Machine, undo: Undo): Promise<string> {
  const { vmid, node } = machine;
  const ask = { what: `ask whether machine ${vmid} can be saved`, query: { feature: 'snapshot' } };
  const answer = recordOf(await rig.api.get(path`/nodes/${node}/qemu/${vmid}/feature`, ask));
  if (!flagOf(answer['hasFeature'])) return 'as an unused disk';
  const name = `before-reinstall-${new Date().toISOString().replace(/\D/g, '')}`;
  await saveSnapshot(rig, machine, undo, { snapname: name });
  return `in snapshot ${name}`;
}

interface Root {
  readonly machine: Machine;
  readonly old: Disk;
  readonly source: Readonly<Record<string, string>>;
  readonly undo: Undo;
}

async function replaceRoot(rig: Rig, { machine, old, source, undo }: Root): Promise<void> {
  const { vmid, node, config } = machine;
  let task: string | undefined;
  undo.add(`give machine ${vmid} its old disk back`, async (deadline) => {
    const margin = under(rig, deadline);
    if (task !== undefined) await cancel(margin, task);
    const what = `give machine ${vmid} its old disk back`;
    await writeConfig(margin, machine, { [old.key]: config[old.key] ?? '' }, what);
  });
  await run(rig, {
    path: path`/nodes/${node}/qemu/${vmid}/config`,
    params: source,
    what: `give machine ${vmid} a new disk`,
    doing: `copying the new disk of machine ${vmid}`,
    begun: (upid) => {
      task = upid;
    },
  });
  const now = { ...machine, config: await readConfig(rig, machine) };
  await growDisk(rig, now, Math.ceil(old.sizeBytes / 1024 ** 3));
  const { boot } = config;
  if (boot !== undefined && now.config['boot'] !== boot) {
    await writeConfig(rig, machine, { boot }, `set the boot order of machine ${vmid}`);
  }
}
