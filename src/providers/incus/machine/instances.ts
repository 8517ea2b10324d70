import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import { Failure, isKind } from '../../../failure.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import { type Client, isGone, read } from '../api/client.ts';
import {
  type Config,
  type Device,
  type Devices,
  instanceSchema,
  type Machine,
  machineOf,
  markKey,
  removingKey,
  uuidKey,
} from '../api/wire.ts';

/** An instance with the ETag that it was read under. */
export interface Read {
  readonly machine: Machine;
  readonly etag: string | undefined;
}

/**
 * All instances of the project. A project that does not exist has an empty list and no error, so an
 * empty list counts only with the project's own answer.
 */
export async function listInstances(
  client: Client,
  project: string,
  deadline: Deadline,
): Promise<readonly Machine[]> {
  const all = await ask(client, { recursion: 1 }, deadline);
  if (all.length > 0) return all;
  try {
    const what = `find project ${project}`;
    await client.send('GET', path`/1.0/projects/${project}`, { what, deadline });
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
    throw new Failure('config', `Incus has no project ${project}`, {
      advice: 'Check the setting "project": incus project list',
    });
  }
  return all;
}

/** The instances that carry the UUID of an instance, copies included; for reading only. */
export function listByUuid(
  client: Client,
  uuid: string,
  deadline: Deadline,
): Promise<readonly Machine[]> {
  return ask(client, { recursion: 1, filter: `config.${uuidKey} eq ${uuid}` }, deadline);
}

async function ask(client: Client, query: Pairs, deadline: Deadline): Promise<readonly Machine[]> {
  const given = { what: 'list the instances', deadline, query };
  const { metadata } = await client.send('GET', '/1.0/instances', given);
  return read(v.array(instanceSchema()), metadata).map(machineOf);
}

/** The instance as it is now; `undefined` where there is none of this name. */
export async function readInstance(
  client: Client,
  name: string,
  deadline: Deadline,
): Promise<Read | undefined> {
  try {
    const ask = { what: `read ${name}`, deadline };
    const { metadata, etag } = await client.send('GET', path`/1.0/instances/${name}`, ask);
    return { machine: machineOf(read(instanceSchema(), metadata)), etag };
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw thrown;
  }
}

/** The instance as it is after a change, or a failure that says that it is gone. */
export async function reread(client: Client, name: string, deadline: Deadline): Promise<Machine> {
  const now = await readInstance(client, name, deadline);
  if (now !== undefined) return now.machine;
  throw new Failure('not-found', `Incus has no instance ${name} any more`, {
    reason: 'taken-away',
  });
}

const mostWrites = 8;

interface Write {
  readonly method: 'PATCH' | 'PUT';
  /** Completes "could not change the ... of", such as `hardware`. */
  readonly part: string;
  /** The body that is sent over the instance as it is now; `lost` where that is not what was meant any more. */
  over(now: Machine): Readonly<Record<string, unknown>> | 'lost';
}

/**
 * Changes an instance while nothing else does. The ETag moves with the power too, so that a refused
 * write is tried again over the instance as it is then; `lost` also where there is none any more.
 */
async function write(
  client: Client,
  name: string,
  { method, part, over }: Write,
  deadline: Deadline,
): Promise<Machine | 'lost'> {
  for (let turn = 1; ; turn += 1) {
    const now = await readInstance(client, name, deadline);
    const json = now === undefined ? 'lost' : over(now.machine);
    if (json === 'lost') return json;
    const ask = { what: `change the ${part} of ${name}`, deadline, etag: now?.etag, json };
    try {
      await client.send(method, path`/1.0/instances/${name}`, ask);
      return await reread(client, name, deadline);
    } catch (thrown) {
      if (!isKind(thrown, 'conflict') || turn === mostWrites) throw thrown;
      await deadline.sleep(25 * 2 ** turn, `waiting for another change of ${name}`);
    }
  }
}

/**
 * Changes configuration keys while the instance's mark is the one that `machine` was read with;
 * `lost` otherwise. A key with an empty value is removed.
 */
export function patchConfig(
  client: Client,
  machine: Machine,
  config: Config,
  deadline: Deadline,
): Promise<Machine | 'lost'> {
  const over = (now: Machine) => (isSame(now, machine) ? { config } : 'lost');
  return write(
    client,
    machine.remoteId,
    { method: 'PATCH', part: 'configuration', over },
    deadline,
  );
}

function isSame(one: Machine, other: Machine): boolean {
  return [markKey, removingKey].every((key) => one.incus.config[key] === other.incus.config[key]);
}

/** Connects one more device; `lost` where the name has been taken meanwhile. */
export function addDevice(
  client: Client,
  machine: Machine,
  [name, device]: readonly [string, Device],
  deadline: Deadline,
): Promise<Machine | 'lost'> {
  const over = (now: Machine) =>
    isSame(now, machine) && now.incus.expanded_devices[name] === undefined
      ? { devices: { [name]: device } }
      : 'lost';
  return write(client, machine.remoteId, { method: 'PATCH', part: 'devices', over }, deadline);
}

/** The keys and the devices that an instance is to have in place of those it has; keys that are empty go. */
export interface Hardware {
  readonly config: Config;
  readonly devices: Devices;
}

/** Replaces keys and devices by those that `wanted` makes of the instance as it is at that moment. */
export function replace(
  client: Client,
  { remoteId: name }: Machine,
  wanted: (now: Machine) => Hardware | 'lost',
  deadline: Deadline,
): Promise<Machine | 'lost'> {
  const over = (now: Machine) => {
    const hardware = wanted(now);
    if (hardware === 'lost') return hardware;
    const { config, devices } = hardware;
    const { architecture, ephemeral, profiles, description, config: today } = now.incus;
    const merged = Object.entries({ ...today, ...config }).filter(([, value]) => value !== '');
    const lasting = { architecture, ephemeral, profiles, description };
    return { ...lasting, devices, config: Object.fromEntries(merged) };
  };
  return write(client, name, { method: 'PUT', part: 'hardware', over }, deadline);
}

export type PowerAction = 'start' | 'stop' | 'restart' | 'freeze' | 'unfreeze';

/** Ends when the order is carried out; `seconds` is what the guest gets, and none means by force. */
export async function order(
  client: Client,
  name: string,
  action: PowerAction,
  { deadline, seconds }: { readonly deadline: Deadline; readonly seconds?: number },
): Promise<void> {
  const force = seconds === undefined && (action === 'stop' || action === 'restart');
  const json = { action, timeout: seconds ?? -1, force };
  const ask = { what: `${action} ${name}`, deadline, json };
  await client.send('PUT', path`/1.0/instances/${name}/state`, ask);
}
