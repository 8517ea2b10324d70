import type { Outcome } from '../../contract/action.ts';
import type { Undo } from '../../contract/context.ts';
import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { withUndo } from '../../kit/undo.ts';
import type { Blueprint } from './blueprint.ts';
import { type Disk, rootDisk } from './disks.ts';
import { growDisk } from './grow-disk.ts';
import { readConfig } from './inventory.ts';
import { sizeGb } from './iso.ts';
import type { Machine } from './machine.ts';
import { takeBuilt } from './operations.ts';
import { powerOff } from './power-off.ts';
import { type Rig, under } from './rig.ts';
import { checkStorage } from './room.ts';
import { saveSnapshot } from './snapshot-tasks.ts';
import { type Survey, survey } from './survey.ts';
import { switchOn } from './switch.ts';
import { cancel } from './task-state.ts';
import { run } from './tasks.ts';
import { findTemplate } from './template.ts';
import { flagOf, recordOf } from './wire.ts';
import { writeConfig } from './write-config.ts';

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
  const ran = await powerOff(rig, machine, 'hard');
  const kept = await withUndo(rig.context, async (undo) => {
    undo.add(`start machine ${machine.vmid} again`, async (deadline) => {
      if (ran) await switchOn(under(rig, deadline), machine);
    });
    const where = await keepOld(rig, machine, undo);
    await replaceRoot(rig, { machine, old, source, undo });
    if (ran) await switchOn(rig, machine);
    return where;
  });
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
  const isIso = blueprint.template_type === 'iso';
  const gib = Math.max(isIso ? sizeGb(blueprint) : 0, Math.ceil(old.sizeBytes / 1024 ** 3));
  checkStorage(rig.settings, found.storages, {
    ...{ node: machine.node, storage: old.storage },
    sizeBytes: gib * 1024 ** 3,
  });
  if (isIso) {
    return {
      [old.key]: `${old.storage}:${gib}`,
      ide2: `${blueprint.iso_path ?? 'none'},media=cdrom`,
      boot: `order=${old.key};ide2`,
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
  const { vmid, node } = machine;
  let task: string | undefined;
  undo.add(`give machine ${vmid} its old disk back`, async (deadline) => {
    const margin = under(rig, deadline);
    if (task !== undefined) await cancel(margin, task);
    await giveBack(margin, machine, old, Object.keys(source));
  });
  await run(rig, {
    path: path`/nodes/${node}/qemu/${vmid}/config`,
    params: source,
    what: `give machine ${vmid} a new disk`,
    doing: `copying the new disk of machine ${vmid}`,
    takenBack: true,
    begun: (upid) => {
      task = upid;
    },
  });
  const now = { ...machine, config: await readConfig(rig, machine) };
  await growDisk(rig, now, Math.ceil(old.sizeBytes / 1024 ** 3), { undo });
}

/** The options are what they were, and the new disk is gone once nothing uses it. */
async function giveBack(
  rig: Rig,
  machine: Machine,
  old: Disk,
  options: readonly string[],
): Promise<void> {
  const { vmid, config } = machine;
  const fresh = (await readConfig(rig, machine))[old.key]?.split(',')[0];
  if (fresh === old.volume) return;
  const set = options.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]]));
  const gone = options.filter((key) => config[key] === undefined);
  const form = {
    ...Object.fromEntries(set),
    ...(gone.length === 0 ? {} : { delete: gone.join() }),
  };
  await writeConfig(rig, machine, form, `give machine ${vmid} its old disk back`);
  const unused = Object.entries(await readConfig(rig, machine)).find(
    ([key, volume]) => /^unused\d+$/.test(key) && volume === fresh,
  )?.[0];
  if (unused === undefined) return;
  await writeConfig(rig, machine, { delete: unused }, `remove the new disk of machine ${vmid}`);
}
