import * as v from 'valibot';
import type { Machine as Listed, Mark, State } from '../../../contract/machine.ts';
import { readMark, writeMark } from '../../../lifecycle/mark.ts';

const texts = () => v.record(v.string(), v.string());

/** Devices and configuration of an instance: what belongs to it alone, and all with its profiles. */
export type Device = Readonly<Record<string, string>>;
export type Devices = Readonly<Record<string, Device>>;
export type Config = Readonly<Record<string, string>>;

/** An instance as Incus and LXD send it, as far as it is used. */
export function instanceSchema() {
  return v.object({
    name: v.string(),
    type: v.string(),
    status: v.string(),
    location: v.string(),
    architecture: v.string(),
    description: v.string(),
    ephemeral: v.boolean(),
    stateful: v.boolean(),
    created_at: v.string(),
    profiles: v.nullable(v.array(v.string())),
    config: v.nullable(texts()),
    devices: v.nullable(v.record(v.string(), texts())),
    expanded_config: v.optional(texts(), {}),
    expanded_devices: v.optional(v.record(v.string(), texts()), {}),
  });
}

type Sent = v.InferOutput<ReturnType<typeof instanceSchema>>;

export interface Remote extends Sent {
  readonly config: Config;
  readonly devices: Devices;
}

/** An instance of Incus, as the rules of ownership look at it, with what Incus says beside. */
export interface Machine extends Listed {
  readonly incus: Remote;
}

/**
 * The keys of an instance's configuration that hold our mark, the instance's UUID beside it, by which
 * the server can be asked for one instance's machines, and our announcement of its removal.
 */
export const markKey = 'user.outrigger.mark';
export const uuidKey = 'user.outrigger.uuid';
export const removingKey = 'user.outrigger.removing';

/**
 * Incus knows an instance by its name, which no other instance of the project has. Of one whose member
 * is offline a cluster knows only name and member: whose it is cannot be read then.
 */
export function machineOf(sent: Sent): Machine {
  const { name, location } = sent;
  const config = sent.config ?? {};
  const incus = { ...sent, config, devices: sent.devices ?? {} };
  const removing = config[removingKey] !== undefined;
  return {
    ...{ remoteId: name, name, mark: readMark(config[markKey] ?? ''), incus },
    ...(sent.config === null ? { name: instanceNameIn(name), mark: 'unreadable' as const } : {}),
    // Alone on its server, an instance has the location "none".
    ...(location === 'none' || location === '' ? {} : { node: location }),
    // The call that announced the removal may have ended since: the next one goes on with it.
    ...(removing ? { leaving: true, stuck: true } : {}),
  };
}

/** The second name that an instance may get ends with the beginning of its UUID: see machine/find.ts. */
function instanceNameIn(name: string): string {
  return name.replace(/-[0-9a-f]{8}$/, '');
}

/** The configuration of a marked machine; keys with an empty value are removed. */
export function marking(mark: Mark | undefined): Config {
  const text = mark === undefined ? '' : writeMark(mark);
  return { [markKey]: text, [uuidKey]: mark?.uuid ?? '', [removingKey]: '' };
}

/** "Error" is also what a cluster says of an instance whose member is offline. */
export function stateOf({ incus: { status, stateful } }: Machine): State {
  if (status === 'Running' || status === 'Ready') return 'on';
  if (status === 'Frozen') return 'paused';
  if (status === 'Stopped') return stateful ? 'saved' : 'off';
  return 'unknown';
}

/** A task of the server, which goes on after the request that began it. */
export function operationSchema() {
  return v.object({
    id: v.string(),
    status: v.string(),
    status_code: v.number(),
    err: v.optional(v.string(), ''),
    resources: v.optional(v.nullable(v.record(v.string(), v.nullable(v.array(v.string()))))),
  });
}

export type Operation = v.InferOutput<ReturnType<typeof operationSchema>>;

export function snapshotSchema() {
  return v.object({
    name: v.string(),
    created_at: v.string(),
    stateful: v.boolean(),
    config: v.optional(v.nullable(texts())),
  });
}

/** A project, with the addresses of everything in it. */
export function projectSchema() {
  return v.object({
    config: v.optional(texts(), {}),
    used_by: v.optional(v.nullable(v.array(v.string())), null),
  });
}

/** A custom volume. LXD says of one that all members share that it is nowhere. */
export function volumeSchema() {
  return v.object({
    name: v.string(),
    description: v.optional(v.string(), ''),
    location: v.optional(v.string(), ''),
    config: v.nullable(texts()),
    used_by: v.optional(v.nullable(v.array(v.string())), null),
  });
}

export function imageSchema() {
  return v.object({ fingerprint: v.string(), type: v.optional(v.string(), 'container') });
}

export function aliasSchema() {
  return v.object({ target: v.string(), type: v.optional(v.string(), 'container') });
}

/** The addresses that the guest has, as its own system tells them. */
export function guestSchema() {
  return v.object({
    status: v.string(),
    network: v.nullable(
      v.record(
        v.string(),
        v.object({
          addresses: v.array(
            v.object({ family: v.string(), address: v.string(), scope: v.string() }),
          ),
          hwaddr: v.string(),
        }),
      ),
    ),
  });
}

/** The things in a list of addresses, such as `/1.0/storage-pools/default?project=cloudstack`. */
export function namesIn(addresses: readonly string[]): readonly string[] {
  return addresses.map((each) => each.split('?')[0]?.split('/').pop() ?? '');
}

const units: Readonly<Record<string, number>> = {
  ...{ '': 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

/** A size as Incus writes it, such as 10GiB. */
export function bytesOf(size: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([A-Za-z]*)$/.exec(size ?? '') ?? [];
  const factor = units[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
