import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import { Failure, isKind } from '../../../failure.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import { type Client, isGone, read } from '../api/client.ts';
import {
  type Config,
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

/**
 * Changes configuration keys while the instance's mark is the one that `machine` was read with;
 * `lost` otherwise. A key with an empty value is removed. The ETag moves with the power too, so
 * that a refused write is tried again over an instance whose mark is the same.
 */
export async function patchConfig(
  client: Client,
  machine: Machine,
  config: Config,
  deadline: Deadline,
): Promise<Machine | 'lost'> {
  const { remoteId: name } = machine;
  for (let write = 1; ; write += 1) {
    const now = await readInstance(client, name, deadline);
    if (now === undefined || !isSame(now.machine, machine)) return 'lost';
    const ask = { what: `change the configuration of ${name}`, deadline, etag: now.etag };
    try {
      await client.send('PATCH', path`/1.0/instances/${name}`, { ...ask, json: { config } });
      return await reread(client, name, deadline);
    } catch (thrown) {
      if (!isKind(thrown, 'conflict') || write === mostWrites) throw thrown;
      await deadline.sleep(25 * 2 ** write, `waiting for another change of ${name}`);
    }
  }
}

function isSame(one: Machine, other: Machine): boolean {
  return [markKey, removingKey].every((key) => one.incus.config[key] === other.incus.config[key]);
}

/** Replaces the keys and devices given; those of `devices` that are `undefined` are taken off. */
export async function replace(
  client: Client,
  machine: Machine,
  { config, devices }: { readonly config: Config; readonly devices: Devices },
  deadline: Deadline,
): Promise<Machine> {
  const { remoteId: name } = machine;
  const now = await readInstance(client, name, deadline);
  if (now === undefined) return reread(client, name, deadline);
  const { architecture, ephemeral, profiles, description, config: today } = now.machine.incus;
  const merged = Object.entries({ ...today, ...config }).filter(([, value]) => value !== '');
  const json = {
    ...{ architecture, ephemeral, profiles, description, devices },
    config: Object.fromEntries(merged),
  };
  const ask = { what: `change the hardware of ${name}`, deadline, etag: now.etag, json };
  await client.send('PUT', path`/1.0/instances/${name}`, ask);
  return reread(client, name, deadline);
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

/** Removes the instance, running or not; succeeds for one that is gone already. */
export async function removeInstance(
  client: Client,
  name: string,
  deadline: Deadline,
): Promise<void> {
  for (;;) {
    const now = await readInstance(client, name, deadline);
    if (now === undefined) return;
    try {
      if (now.machine.incus.status !== 'Stopped') await order(client, name, 'stop', { deadline });
      await client.send('DELETE', path`/1.0/instances/${name}`, {
        what: `remove ${name}`,
        deadline,
      });
      return;
    } catch (thrown) {
      if (isGone(thrown)) return;
      if (!isKind(thrown, 'conflict')) throw thrown;
    }
    await deadline.sleep(200, `waiting for another task on ${name}`);
  }
}
