import type { SizedInstance } from '../../../contract/instance.ts';
import { expectFailure, remoteMessage, statusOf } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isUncertain } from '../api/find-task.ts';
import { withHolder } from '../api/locks.ts';
import type { Config } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import { isCloudInit } from './disks.ts';
import { isSameNet, netKeys, netsFor } from './nics.ts';
import { type Place, readConfig } from './read.ts';
import type { Session } from './session.ts';

/** The options that bring a configuration to what it should be. */
export interface Change {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

const mib = 1024 * 1024;

/** CPUs, memory and NICs of the instance, as a change of what is there. */
export function hardwareChange(
  settings: Settings,
  { cpus, memoryBytes, nics }: SizedInstance,
  config: Config,
): Change {
  const size = sizeChange(config, cpus, Math.floor(memoryBytes / mib));
  const nets = netsFor(settings, nics);
  const set = Object.entries(nets).filter(([key, net]) => !isSameNet(config[key], net));
  const surplus = netKeys(config).filter((key) => nets[key] === undefined);
  return {
    set: { ...size.set, ...Object.fromEntries(set) },
    remove: [...size.remove, ...surplus],
  };
}

function sizeChange(config: Config, cpus: number, memoryMib: number): Change {
  const sockets = Number(config['sockets'] ?? 1);
  const cores = Number(config['cores'] ?? 1);
  const vcpus = config['vcpus'];
  const memory = memoryOf(config);
  const balloon = Number(config['balloon'] ?? 0);
  return {
    set: {
      ...(cores === cpus ? {} : { cores: String(cpus) }),
      ...(sockets === 1 ? {} : { sockets: '1' }),
      ...(memory === memoryMib ? {} : { memory: String(memoryMib) }),
    },
    remove: [
      ...(vcpus === undefined || vcpus === '0' ? [] : ['vcpus']),
      // More than the new memory is refused, and less would take memory that the tenant pays for.
      ...(balloon === 0 ? [] : ['balloon']),
    ],
  };
}

export function memoryOf(config: Config): number {
  return Number((config['memory'] ?? '512').replace(/^current=/, '').split(',')[0]);
}

export function isEmpty({ set, remove }: Change): boolean {
  return Object.keys(set).length === 0 && remove.length === 0;
}

/** All of them as one; a later one has its way. */
export function joined(...changes: readonly Change[]): Change {
  return {
    set: Object.assign({}, ...changes.map((change) => change.set)) as Change['set'],
    remove: changes.flatMap((change) => change.remove),
  };
}

/** As the API takes it: what is set, and what is removed under `delete`. */
export function formOf({ set, remove: all }: Change): Readonly<Record<string, string>> {
  const remove = [...new Set(all)].filter((option) => set[option] === undefined);
  return remove.length === 0 ? set : { ...set, delete: remove.join(',') };
}

/** The configuration once the change is written. */
export function withChange(config: Config, { set, remove }: Change): Config {
  const kept = Object.entries(config).filter(([option]) => !remove.includes(option));
  return { ...Object.fromEntries(kept), ...set };
}

/** Only what differs from the configuration. */
export function differing(config: Config, wanted: Readonly<Record<string, string>>): Change {
  const set = Object.entries(wanted).filter(([option, value]) => config[option] !== value);
  return { set: Object.fromEntries(set), remove: [] };
}

// ---- writing ----

export type Form = Readonly<Record<string, string>>;

/**
 * Writes options at once; nothing is sent for none. When the answer gets lost they are read, and
 * written once more where they are not there.
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

/** The tags may not be written; the other options in the request may have been, or not. */
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
