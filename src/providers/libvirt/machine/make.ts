import { randomBytes } from 'node:crypto';
import type { Deadline } from '../../../contract/context.ts';
import type { Making } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure, isKind } from '../../../failure.ts';
import { writeTree } from '../../../kit/xml/tree.ts';
import { isBuilding, verdictOn } from '../../../lifecycle/ownership.ts';
import { defineDomain, readMetadata, renameDomain } from '../api/domains.ts';
import { hasCode } from '../api/errors.ts';
import type { Blueprint } from '../settings.ts';
import { archOf, describeNew } from './description.ts';
import { type DiskPlan, ensureDisk, fileIn, isAsPlanned, madeFor, planDisk } from './disk.ts';
import { kindFor, refuseWithoutMemory } from './host.ts';
import { claimRemoval, findMachine, isOff, type Machine, reread } from './machines.ts';
import { type Made, madeElement, madeIn, markElement, uris } from './marks.ts';
import { removeMachine } from './remove.ts';
import type { Session } from './session.ts';

/**
 * Makes the domain with its mark, then its disk, then gives it its name.
 *
 * libvirt takes a second definition of one name and UUID for a change of the first. So each create
 * defines its domain under a name of its own: of two creates at once, one meets the UUID.
 */
export async function make(session: Session, making: Making<Machine, Blueprint>): Promise<Machine> {
  const { client, settings } = session;
  const { instance, partials, undo, blueprint, deadline } = making;
  let isTwins = false;
  undo.add(`remove the unfinished machine of ${instance.name}`, async (margin) => {
    // The faster one of two creates goes on with the machine.
    if (!isTwins) await removeUnfinished(session, instance, margin);
  });
  const plan = await planDisk(client, settings, blueprint, deadline);
  for (const partial of partials) {
    const made = await madeOf(session, partial, deadline);
    const fits = partial.remoteId === instance.uuid && partial.leaving !== true;
    if (fits && made !== undefined && isAsPlanned(made, plan)) {
      return complete(session, making, plan, made);
    }
    await removeMachine(session, partial, deadline);
  }
  await refuseWithoutMemory(client, instance, deadline);
  const made = await define(session, making, plan).catch((thrown: unknown) => {
    isTwins = isKind(thrown, 'conflict');
    throw thrown;
  });
  return complete(session, making, plan, made);
}

async function madeOf(
  { client }: Session,
  { domain }: Machine,
  deadline: Deadline,
): Promise<Made | undefined> {
  return madeIn(await readMetadata(client, domain, uris.made, deadline));
}

async function define(
  { client, settings }: Session,
  { instance, blueprint, markFor, deadline }: Making<Machine, Blueprint>,
  plan: DiskPlan,
): Promise<Made> {
  const once = randomBytes(4).toString('hex');
  const made = madeFor(plan, instance.uuid, once);
  const drafted = {
    name: `${instance.name}.new-${once}`,
    kind: await kindFor(client, settings, archOf(instance), deadline),
    metadata: [markElement(markFor(instance.uuid)), madeElement(made)],
    disk: fileIn(plan.place, made.volume, plan.format),
    iso: plan.iso,
  };
  const xml = writeTree(describeNew(drafted, instance, blueprint, settings));
  try {
    await defineDomain(client, xml, { what: `make ${instance.name}`, deadline });
    return made;
  } catch (thrown) {
    if (!isKind(thrown, 'conflict')) throw thrown;
    throw await taken(client, instance, deadline, thrown);
  }
}

/** Another create of this instance was faster, or the UUID is that of a machine which is none of ours. */
async function taken(
  client: Session['client'],
  { uuid, name }: Instance,
  deadline: Deadline,
  cause: unknown,
): Promise<Failure> {
  const there = await findMachine(client, uuid, deadline);
  const isTwin = there === undefined || isBuilding(there);
  return isTwin
    ? new Failure('conflict', `Another call made ${name} at the same moment`, {
        ...{ cause, reason: 'taken-away' },
      })
    : new Failure('conflict', `libvirt has a domain with the UUID of ${name}, which is another's`, {
        cause,
        advice: `On the host: virsh domname ${uuid}`,
      });
}

/** Two calls may do this for one machine: each step finds that the other has done it. */
async function complete(
  session: Session,
  { instance, deadline }: Making<Machine, Blueprint>,
  plan: DiskPlan,
  made: Made,
): Promise<Machine> {
  const { client } = session;
  const look = () => reread(client, instance.uuid, deadline);
  const found = await look();
  if (!isOff(found)) return found;
  await ensureDisk(client, plan, made, deadline).catch(async (thrown: unknown) => {
    // A guest that another call has started meanwhile holds its disk, which is whole then.
    if (isOff(await look())) throw thrown;
  });
  const machine = await look();
  return isOff(machine) ? named(session, machine, instance, deadline) : machine;
}

/** The names that an instance's machine may get, the second where another domain has the first. */
function namesFor({ name, uuid }: Instance): readonly string[] {
  return [name, `${name}-${uuid.slice(0, 8)}`];
}

async function named(
  { client }: Session,
  machine: Machine,
  instance: Instance,
  deadline: Deadline,
): Promise<Machine> {
  const names = namesFor(instance);
  let now = machine;
  for (const name of names) {
    if (names.includes(now.domain.name) || !isOff(now)) return now;
    try {
      await renameDomain(client, now.domain, name, deadline);
    } catch (thrown) {
      // Another domain has the name, or another call was faster with the name or has started the machine.
      if (!hasCode(thrown, 'operationFailed', 'operationInvalid', 'invalidArgument')) throw thrown;
    }
    now = await reread(client, now.remoteId, deadline);
  }
  return now;
}

/** By the mark, since another call may have made or finished a machine with this UUID. */
async function removeUnfinished(
  session: Session,
  instance: Instance,
  deadline: Deadline,
): Promise<void> {
  const { client, context } = session;
  const wanted = { uuid: instance.uuid, installation: context.installation };
  const machine = await findMachine(client, instance.uuid, deadline);
  const own = machine !== undefined && verdictOn(machine, wanted) === 'ours';
  if (!own || !isBuilding(machine)) return;
  if (await claimRemoval(client, machine, deadline))
    await removeMachine(session, machine, deadline);
}
