import type { Instance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { expectFailure, Failure, statusOf } from '../../../failure.ts';
import { withoutMark, writeMark } from '../../../lifecycle/mark.ts';
import type { Config } from '../api/wire.ts';
import { isIndexTag, readIndex, writeIndex } from './index-tag.ts';
import { type Machine, machineOf } from './machine.ts';
import type { Seen } from './read.ts';
import { mayBeOurs } from './scan-owned.ts';
import type { Session } from './session.ts';
import { type Form, writeConfig } from './write-config.ts';

/** The mark that makes a machine the instance's. */
export function markFor(
  { context }: Session,
  { uuid, name }: Pick<Instance, 'uuid' | 'name'>,
  vmid: number,
  { state, origin }: Pick<Mark, 'state' | 'origin'>,
): Mark {
  return { uuid, name, installation: context.installation, remoteId: String(vmid), state, origin };
}

/** The description of a machine that is ours alone: a readable line and the mark. */
export function describe({ settings }: Session, mark: Mark): string {
  return `Instance ${mark.name}, made on node ${settings.node}\n${writeMark(mark)}`;
}

/** The node that a machine was made on, as its description says; lists have it in the tags. */
export function homeIn(description: string | undefined): string | undefined {
  return /, made on node ([A-Za-z0-9.-]+)$/m.exec(description ?? '')?.[1];
}

/** All tags of a machine that is ours alone, the index among them. */
export function tagsFor(session: Session, mark: Mark): string {
  return [...(session.settings.tags ?? []), indexFor(session, mark)].join(';');
}

function indexFor({ settings }: Session, mark: Mark, home = settings.node): string {
  const { remoteId: vmid, uuid, installation, name } = mark;
  return writeIndex({ vmid, uuid, home, installation, name });
}

/** Writes the index of a machine again if somebody took it away; nothing depends on its success. */
export async function keepIndex(
  session: Session,
  { vmid, node, config, mark }: Machine,
): Promise<void> {
  const index = readIndex(config['tags']);
  if (index?.uuid === mark.uuid && index.vmid === mark.remoteId) return;
  const tags = [...tagsIn(config), indexFor(session, mark, homeIn(config['description']))].join(
    ';',
  );
  try {
    await writeTags(session, { vmid, node }, tags);
  } catch (thrown) {
    logRefusedTags(session, { vmid }, thrown);
  }
}

/** The mark of a machine that is to be taken over. */
export function adoptedMark(session: Session, instance: Instance, { row }: Seen): Mark {
  return markFor(session, instance, row.vmid, { state: 'built', origin: 'adopted' });
}

/** Marks a machine that was made by somebody else; their words and tags stay. */
export async function adopt(session: Session, instance: Instance, seen: Seen): Promise<Machine> {
  const { row, config = {} } = seen;
  const mark = adoptedMark(session, instance, seen);
  const words = withoutMark(config['description'] ?? '').trim();
  const description = [words, describe(session, mark)].filter((part) => part !== '').join('\n\n');
  const what = `take over machine ${row.vmid}`;
  // Whoever wrote in the meantime may have marked it for somebody else.
  const { digest } = config;
  const proof = digest === undefined ? {} : { digest };
  await writeConfig(session, row, { description, ...proof }, what);
  const tags = [...tagsIn(config), indexFor(session, mark)].join(';');
  if (!(await writeTags(session, row, tags)) && !mayBeOurs(session, row)) {
    const old = config['description'];
    const before: Form = old === undefined ? { delete: 'description' } : { description: old };
    await writeConfig(session, row, before, `give machine ${row.vmid} back`);
    throw unrecognisable(row);
  }
  session.context.log('machine.adopted', { machine: row.vmid });
  return machineOf({ ...seen, config: { ...config, description, tags } }, mark);
}

/** Takes our mark and index off a machine, as when it is given back. */
export async function release(session: Session, machine: Machine): Promise<void> {
  const words = withoutMark(machine.config['description'] ?? '')
    .replace(/^Instance [^\n]*, made on node [A-Za-z0-9.-]+$/m, '')
    .trim();
  const tags = tagsIn(machine.config);
  await writeTags(session, machine, tags.join(';'));
  const form = words === '' ? { delete: 'description' } : { description: words };
  await writeConfig(session, machine, form, `release machine ${machine.vmid}`);
}

/**
 * Answers whether the tags are written. They are an index only: a cluster that does not let us write
 * them costs speed, nothing else.
 */
export async function writeTags(
  session: Session,
  place: Pick<Machine, 'vmid' | 'node'>,
  tags: string,
): Promise<boolean> {
  const form: Form = tags === '' ? { delete: 'tags' } : { tags };
  try {
    await writeConfig(session, place, form, `write the tags of machine ${place.vmid}`);
    return true;
  } catch (thrown) {
    if (statusOf(thrown) !== 403) throw thrown;
    logRefusedTags(session, place, thrown);
    return false;
  }
}

export function logRefusedTags(
  { context }: Session,
  { vmid }: Pick<Machine, 'vmid'>,
  thrown: unknown,
): void {
  const { message: error } = expectFailure(thrown);
  context.log('tags.refused', { machine: vmid, error, level: 'warn' });
}

/** Neither its name, pool nor id tells that it may be ours: reports would leave it out. */
function unrecognisable({ vmid }: Pick<Machine, 'vmid'>): Failure {
  return new Failure(
    'conflict',
    `Refused to take machine ${vmid} over: its tags may not be written`,
    {
      advice:
        'Without its index tag no report would find it: let the token write tags (user-tag-access), put it into the pool, or give it the name of the instance',
    },
  );
}

/** The tags of a machine but for our index. */
function tagsIn(config: Config): readonly string[] {
  return (config['tags'] ?? '').split(/[;, ]+/).filter((tag) => tag !== '' && !isIndexTag(tag));
}
