import type { Deadline } from '../../../contract/context.ts';
import type { Making } from '../../../contract/driver.ts';
import type { Instance, SizedInstance } from '../../../contract/instance.ts';
import { Failure, isKind } from '../../../failure.ts';
import { isBuilding, verdictOn } from '../../../lifecycle/ownership.ts';
import { type Config, type Machine, marking, removingKey } from '../api/wire.ts';
import type { Blueprint, Settings } from '../settings.ts';
import { namesFor } from './find.ts';
import { guestConfig } from './guest.ts';
import { nicDevices, sizeOf } from './hardware.ts';
import { findImage, type Image } from './image.ts';
import { patchConfig, readInstance, reread } from './instances.ts';
import { destroy, removeInstance } from './remove.ts';
import type { Session } from './session.ts';
import { untilIdle } from './tasks.ts';

/** Incus makes one instance of a name, so that of two creates at once only one can make it. */
export async function make(session: Session, making: Making<Machine, Blueprint>): Promise<Machine> {
  const { client } = session;
  const { instance, partials, undo, blueprint, deadline } = making;
  undo.add(`remove the unfinished machine of ${instance.name}`, (margin) =>
    removeUnfinished(session, instance, margin),
  );
  const image = await findImage(client, blueprint.template_id, deadline);
  for (const partial of partials) {
    await untilIdle(client, [partial.remoteId], deadline);
    const now = await readInstance(client, partial.remoteId, deadline);
    if (now !== undefined && mayBeFinished(now.machine, image)) return now.machine;
    await removeInstance(client, partial.remoteId, deadline);
  }
  return makeUnder(session, making, image, namesFor(instance));
}

/** A name that an instance of another installation has is passed over. */
async function makeUnder(
  session: Session,
  making: Making<Machine, Blueprint>,
  image: Image,
  [name, ...others]: readonly string[],
): Promise<Machine> {
  const { client, context, settings } = session;
  const { instance, deadline } = making;
  if (name === undefined) throw new Failure('conflict', `Every name for ${instance.name} is taken`);
  const query = settings.target === undefined ? {} : { target: settings.target };
  try {
    const json = { name, ...bodyFor(settings, making, image, name) };
    const ask = { what: `make ${name}`, deadline, json, query };
    await client.send('POST', '/1.0/instances', ask);
  } catch (thrown) {
    if (!isKind(thrown, 'conflict')) throw thrown;
    const there = (await readInstance(client, name, deadline))?.machine;
    const wanted = { uuid: instance.uuid, installation: context.installation };
    if (there !== undefined && verdictOn(there, wanted) === 'foreign') {
      return makeUnder(session, making, image, others);
    }
    throw new Failure('conflict', `Another call made ${name} at the same moment`, {
      cause: thrown,
      reason: 'taken-away',
    });
  }
  return reread(client, name, deadline);
}

/** An unfinished machine of the image that is asked for now is as good as a new one. */
function mayBeFinished(machine: Machine, { fingerprint, type }: Image): boolean {
  const { config, type: made } = machine.incus;
  const same = config['volatile.base_image'] === fingerprint && made === type;
  return same && isBuilding(machine) && machine.leaving !== true;
}

function bodyFor(
  settings: Settings,
  { instance, blueprint, markFor }: Making<Machine, Blueprint>,
  { fingerprint, type }: Image,
  name: string,
) {
  return {
    type,
    source: { type: 'image', fingerprint },
    profiles: settings.profiles,
    config: {
      ...sizeOf(instance),
      ...(type === 'container' ? containerConfig(settings) : machineConfig(instance, blueprint)),
      ...withoutEmpty(guestConfig(settings, instance, blueprint)),
      ...marking(markFor(name)),
    },
    devices: { ...rootDisk(blueprint), ...nicDevices(instance.nics, settings, type) },
  };
}

function containerConfig({ nesting, privileged }: Settings): Config {
  return {
    ...(nesting ? { 'security.nesting': 'true' } : {}),
    ...(privileged ? { 'security.privileged': 'true' } : {}),
  };
}

function machineConfig({ boot }: SizedInstance, { secure_boot }: Blueprint): Config {
  const secure = secure_boot ?? (boot === undefined ? undefined : boot.secure);
  return {
    ...(secure === undefined ? {} : { 'security.secureboot': String(secure) }),
    ...(boot?.firmware === 'bios' ? { 'security.csm': 'true' } : {}),
  };
}

function withoutEmpty(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ''));
}

function rootDisk({ storage, disk_size_gb }: Blueprint) {
  if (storage === undefined) return {};
  const size = disk_size_gb === undefined ? {} : { size: `${disk_size_gb}GiB` };
  return { root: { type: 'disk', path: '/', pool: storage, ...size } };
}

/** Announces the removal on an unfinished machine, so that a call that is finishing it loses. */
export async function claimRemoval(
  { client }: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<boolean> {
  await untilIdle(client, [machine.remoteId], deadline);
  const claimed = await patchConfig(client, machine, { [removingKey]: 'true' }, deadline);
  if (claimed !== 'lost') return true;
  const now = (await readInstance(client, machine.remoteId, deadline))?.machine;
  return now === undefined || isBuilding(now);
}

/** By the mark, since another call may have made or finished a machine of the same name. */
async function removeUnfinished(
  session: Session,
  instance: Instance,
  deadline: Deadline,
): Promise<void> {
  const { client, context } = session;
  const wanted = { uuid: instance.uuid, installation: context.installation };
  for (const name of namesFor(instance)) {
    await untilIdle(client, [name], deadline);
    const machine = (await readInstance(client, name, deadline))?.machine;
    const own = machine !== undefined && verdictOn(machine, wanted) === 'ours';
    if (!own || !isBuilding(machine)) continue;
    if (await claimRemoval(session, machine, deadline)) {
      await destroy(session, machine, instance.uuid, deadline);
    }
  }
}
