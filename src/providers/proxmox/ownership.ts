import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { type Mark, withoutMark, writeMark } from '../../kit/mark.ts';
import type { Instance } from '../../provider.ts';
import { isIndexTag, writeIndex } from './index-tag.ts';
import type { Seen } from './inventory.ts';
import { type Machine, machineOf } from './machine.ts';
import type { Rig } from './rig.ts';
import { statusOf } from './trouble.ts';
import type { Config } from './wire.ts';

/** The mark that makes a machine the instance's. */
export function markFor(
  { context }: Rig,
  { uuid, name }: Pick<Instance, 'uuid' | 'name'>,
  vmid: number,
  { state, origin }: Pick<Mark, 'state' | 'origin'>,
): Mark {
  return { uuid, name, installation: context.installation, remoteId: String(vmid), state, origin };
}

/** The description of a machine that is ours alone. */
export function describe({ settings }: Rig, mark: Mark): string {
  return `Instance ${mark.name}, made on node ${settings.node}\n${writeMark(mark)}`;
}

/** The node that a machine was made on, as its description says; lists have it in the tags. */
export function homeIn(description: string | undefined): string | undefined {
  return /, made on node ([A-Za-z0-9.-]+)$/m.exec(description ?? '')?.[1];
}

/** All tags of a machine that is ours alone, the index among them. */
export function tagsFor({ settings }: Rig, mark: Mark): string {
  const index = writeIndex({
    vmid: mark.remoteId,
    uuid: mark.uuid,
    home: settings.node,
    installation: mark.installation,
    name: mark.name,
  });
  return [...(settings.tags ?? []), index].join(';');
}

/** The mark of a machine that is to be taken over. */
export function adoptedMark(rig: Rig, instance: Instance, { row }: Seen): Mark {
  return markFor(rig, instance, row.vmid, { state: 'built', origin: 'adopted' });
}

/** Marks a machine that was made by somebody else; their words and tags stay. */
export async function adopt(rig: Rig, instance: Instance, seen: Seen): Promise<Machine> {
  const { row, config = {} } = seen;
  const mark = adoptedMark(rig, instance, seen);
  const words = withoutMark(config['description'] ?? '').trim();
  const description = [words, describe(rig, mark)].filter((part) => part !== '').join('\n\n');
  await writeConfig(rig, row, { description }, `take over machine ${row.vmid}`);
  const index = tagsFor({ ...rig, settings: { ...rig.settings, tags: [] } }, mark);
  const tags = [...tagsIn(config), index].join(';');
  await writeTags(rig, row, tags);
  rig.context.log('machine.adopted', { machine: row.vmid });
  return machineOf({ ...seen, config: { ...config, description, tags } }, mark);
}

/** Takes our mark and index off a machine, as when it is given back. */
export async function release(rig: Rig, machine: Machine): Promise<void> {
  const words = withoutMark(machine.config['description'] ?? '')
    .replace(/^Instance [^\n]*, made on node [A-Za-z0-9.-]+$/m, '')
    .trim();
  const tags = tagsIn(machine.config);
  await writeTags(rig, machine, tags.join(';'));
  const form = words === '' ? { delete: 'description' } : { description: words };
  await writeConfig(rig, machine, form, `release machine ${machine.vmid}`);
}

/** Tags are an index only: a cluster that does not let us write them costs speed, nothing else. */
export async function writeTags(
  rig: Rig,
  place: Pick<Machine, 'vmid' | 'node'>,
  tags: string,
): Promise<void> {
  const form: Record<string, string> = tags === '' ? { delete: 'tags' } : { tags };
  try {
    await writeConfig(rig, place, form, `write the tags of machine ${place.vmid}`);
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (statusOf(failure) !== 403) throw failure;
    rig.context.log('tags.refused', { machine: place.vmid, error: failure.message, level: 'warn' });
  }
}

/** Writes options at once; nothing is sent for none. */
export async function writeConfig(
  { api }: Rig,
  { node, vmid }: Pick<Machine, 'vmid' | 'node'>,
  form: Readonly<Record<string, string>>,
  what: string,
): Promise<void> {
  if (Object.keys(form).length === 0) return;
  await api.send('PUT', path`/nodes/${node}/qemu/${vmid}/config`, { what, form });
}

/** The tags of a machine but for our index. */
function tagsIn(config: Config): readonly string[] {
  return (config['tags'] ?? '').split(/[;, ]+/).filter((tag) => tag !== '' && !isIndexTag(tag));
}
