import type { Mark } from '../../../contract/machine.ts';
import { expectFailure, Failure, statusOf } from '../../../failure.ts';
import { writeMark as markLine, readMark, withoutMark } from '../../../lifecycle/mark.ts';
import { isChanged } from '../api/error-texts.ts';
import type { Config } from '../api/wire.ts';
import { type Form, isTagRefusal, writeConfig } from './config.ts';
import { isIndexTag, readIndex, writeIndex } from './index-tag.ts';
import { homeIn, type Machine, mayBeOurs } from './machine.ts';
import type { Place } from './read.ts';
import { claimBuilt, proofOf } from './remove.ts';
import type { Session } from './session.ts';

/** The mark stands in the description, which proves it, and in a tag, by which lists find it. */
export function writeMark(
  session: Session,
  machine: Machine,
  mark: Mark | undefined,
): Promise<Machine | 'lost'> {
  if (mark === undefined) return release(session, machine);
  return mark.origin === 'adopted'
    ? adopt(session, machine, mark)
    : markBuilt(session, machine, mark);
}

/** The description of a machine that is ours alone: a readable line and the mark. */
export function descriptionWith({ settings }: Session, mark: Mark): string {
  return `Instance ${mark.name}, made on node ${settings.node}\n${markLine(mark)}`;
}

/** Where tags are not ours to write, they are left out. */
async function markBuilt(
  session: Session,
  machine: Machine,
  mark: Mark,
): Promise<Machine | 'lost'> {
  const description = descriptionWith(session, mark);
  const tags = [...(session.settings.tags ?? []), indexFor(session, mark)].join(';');
  const claim = async (form: Form): Promise<Machine | 'lost'> =>
    (await claimBuilt(session, machine, form)) ? { ...machine, mark } : 'lost';
  try {
    return await claim({ tags, description });
  } catch (thrown) {
    if (!isTagRefusal(thrown)) throw thrown;
    logRefusedTags(session, machine, thrown);
    return claim({ description });
  }
}

/** Marks a machine that was not made by us; the words and tags of its maker stay. */
async function adopt(session: Session, machine: Machine, mark: Mark): Promise<Machine | 'lost'> {
  const { row, config, vmid } = machine;
  const before = config['description'];
  const words = withoutMark(before ?? '').trim();
  const description = [words, descriptionWith(session, mark)]
    .filter((part) => part !== '')
    .join('\n\n');
  try {
    const form = { description, ...proofOf(config) };
    await writeConfig(session, machine, form, `adopt machine ${vmid}`);
  } catch (thrown) {
    if (isChanged(thrown)) return 'lost';
    throw thrown;
  }
  const tags = [...tagsIn(config), indexFor(session, mark)].join(';');
  if (!(await writeTags(session, machine, tags)) && !mayBeOurs(session.settings, row)) {
    const form: Form = before === undefined ? { delete: 'description' } : { description: before };
    await writeConfig(session, machine, form, `release machine ${vmid}`);
    throw unrecognisable(machine);
  }
  const { digest: _digest, ...others } = config;
  return { ...machine, mark, config: { ...others, description, tags } };
}

/** Takes our mark and index off a machine; the words and tags of its owner stay. */
async function release(session: Session, machine: Machine): Promise<Machine> {
  const words = withoutMark(machine.config['description'] ?? '')
    .replace(/^Instance [^\n]*, made on node [A-Za-z0-9.-]+$/m, '')
    .trim();
  await writeTags(session, machine, tagsIn(machine.config).join(';'));
  const form = words === '' ? { delete: 'description' } : { description: words };
  await writeConfig(session, machine, form, `release machine ${machine.vmid}`);
  return { ...machine, mark: undefined };
}

/** Writes the index of a machine again if a person took it away; nothing depends on its success. */
export async function keepIndex(session: Session, machine: Machine): Promise<void> {
  const { config, remoteId } = machine;
  const mark = readMark(config['description'] ?? '');
  const index = readIndex(config['tags']);
  if (typeof mark !== 'object') return;
  if (index?.uuid === mark.uuid && index.vmid === remoteId) return;
  const home = homeIn(config['description']);
  const tags = [...tagsIn(config), indexFor(session, { ...mark, remoteId }, home)].join(';');
  try {
    await writeTags(session, machine, tags);
  } catch (thrown) {
    logRefusedTags(session, machine, thrown);
  }
}

/**
 * Answers whether the tags are written. They are an index only: a cluster that does not let us write
 * them costs speed, nothing else.
 */
export async function writeTags(session: Session, place: Place, tags: string): Promise<boolean> {
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

function logRefusedTags({ context }: Session, { vmid }: Place, thrown: unknown): void {
  const { message: error } = expectFailure(thrown);
  context.log('tags.refused', { machine: vmid, error, level: 'warn' });
}

function indexFor({ settings }: Session, mark: Mark, home = settings.node): string {
  const { remoteId: vmid, uuid, installation, name } = mark;
  return writeIndex({ vmid, uuid, home, installation, name });
}

/** The tags of a machine but for our index. */
function tagsIn(config: Config): readonly string[] {
  return (config['tags'] ?? '').split(/[;, ]+/).filter((tag) => tag !== '' && !isIndexTag(tag));
}

/** Neither its name, pool nor id tells that it may be ours: reports would leave it out. */
function unrecognisable({ vmid }: Place): Failure {
  return new Failure('conflict', `Refused to adopt machine ${vmid}: its tags may not be written`, {
    advice:
      'Without its index tag no report would find it: let the token write tags (user-tag-access), put it into the pool, or give it the name of the instance',
  });
}
