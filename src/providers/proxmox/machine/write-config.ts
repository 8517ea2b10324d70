import { expectFailure, remoteMessage, statusOf } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { withHolder } from '../api/lock-holder.ts';
import { isUncertain } from '../api/lost-answer.ts';
import type { Config } from '../api/wire.ts';
import { isCloudInit } from './disks.ts';
import type { Machine } from './machine.ts';
import { isSameNet } from './nics.ts';
import { readConfig } from './read.ts';
import type { Session } from './session.ts';

export type Form = Readonly<Record<string, string>>;

type Place = Pick<Machine, 'vmid' | 'node'>;

/**
 * Writes options at once; nothing is sent for none. When the answer gets lost they are read: they are
 * there then, or written once more.
 */
export async function writeConfig(
  session: Session,
  place: Place,
  form: Form,
  what: string,
): Promise<void> {
  if (Object.keys(form).length === 0) return;
  const { node, vmid } = place;
  const target = path`/nodes/${node}/qemu/${vmid}/config`;
  const write = (): Promise<unknown> => session.api.send('PUT', target, { what, form });
  try {
    await write();
  } catch (thrown) {
    if (!isUncertain(thrown)) throw await withHolder(session.api, target, thrown);
    const now = await readConfig(session, place).catch((unread: unknown) => {
      expectFailure(unread);
      throw thrown;
    });
    const there = isWritten(now, form);
    const { message: after } = expectFailure(thrown);
    session.context.log('config.uncertain', { machine: vmid, there, after });
    if (!there) await write();
  }
}

/** The tags may not be written; what else was in the request may have been, or not. */
export function isTagRefusal(thrown: unknown): boolean {
  return statusOf(thrown) === 403 && /tag/.test(remoteMessage(thrown));
}

function isWritten(config: Config, { digest: _digest, delete: gone, ...set }: Form): boolean {
  const removed = gone === undefined ? [] : gone.split(',');
  return (
    removed.every((option) => config[option] === undefined) &&
    Object.entries(set).every(([option, value]) => isSame(option, config[option], value))
  );
}

/** Texts come back in another order, case or with what the server adds. */
function isSame(option: string, has: string | undefined, wanted: string): boolean {
  if (has === undefined) return false;
  if (/^net\d+$/.test(option)) return isSameNet(has, wanted);
  if (option === 'tags') return sorted(has) === sorted(wanted);
  if (has.trim() === wanted.trim()) return true;
  if (!/^(ide|sata|scsi|virtio)\d+$/.test(option)) return false;
  return isCloudInit(wanted) ? isCloudInit(has) : has.startsWith(`${wanted.split(',')[0]},`);
}

function sorted(tags: string): string {
  return tags
    .toLowerCase()
    .split(/[;, ]+/)
    .sort()
    .join(';');
}
