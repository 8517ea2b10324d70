import { randomBytes } from 'node:crypto';
import type { ActionCall, Outcome, Parameters } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import type { Fields } from '../../../contract/field.ts';
import { withUndo } from '../../../kit/undo.ts';
import { writeTree, type XmlNode } from '../../../kit/xml/tree.ts';
import { refused } from '../../../lifecycle/disk-refusals.ts';
import { defineDomain, order } from '../api/domains.ts';
import { listSaved } from '../api/snapshots.ts';
import { type DiskPlan, ensureDisk, fileIn, madeFor, planDisk } from '../machine/disk.ts';
import { withFile } from '../machine/drive-elements.ts';
import { changed, drivesIn, imageDriveIn, rootIn, withDrives } from '../machine/drives.ts';
import { readDescription } from '../machine/hardware.ts';
import { type Machine, stateOf } from '../machine/machines.ts';
import { type Made, madeElement, poolElement } from '../machine/marks.ts';
import { poolsIn, removeVolume, volumesOf } from '../machine/pools.ts';
import { switchOff } from '../machine/remove.ts';
import type { Session } from '../machine/session.ts';
import type { Blueprint } from '../settings.ts';

type Call = ActionCall<Machine, Parameters, Blueprint, Fields>;

/** A fresh disk in the place of the old one, which stays until the new one is ready; all else stays. */
export async function reinstall(
  session: Session,
  { instance, machine, blueprint, deadline }: Call,
): Promise<Outcome> {
  const { client, settings } = session;
  const state = stateOf(machine);
  if (state === 'saved') throw refused('conflict', 'The memory of the instance is saved to disk');
  if ((await listSaved(client, machine.domain, deadline)).length > 0) {
    const sentence = 'An instance with snapshots cannot be installed anew';
    throw refused('conflict', `${sentence}: remove them first`);
  }
  const plan = await planDisk(client, settings, blueprint, deadline);
  const made = madeFor(plan, instance.uuid, randomBytes(4).toString('hex'));
  const before = await readDescription(session, machine, 'whenOff', deadline);
  await exchange(session, machine, { plan, made, ran: state !== 'off' }, deadline);
  if (state !== 'off') await order(client, machine.domain, 'start', deadline);
  const pools = [...new Set([...poolsIn(before), made.pool])];
  for (const { volume, own } of await volumesOf(client, instance.uuid, pools, deadline)) {
    const isOld = own.use === 'root' && volume.name !== made.volume;
    if (isOld) await removeVolume(client, volume, deadline);
  }
  return { message: 'The instance was installed anew' };
}

interface Exchange {
  readonly plan: DiskPlan;
  readonly made: Made;
  readonly ran: boolean;
}

/** Its undo ends with the exchange: from then on the machine has the new disk, even when a later step fails. */
function exchange(
  session: Session,
  machine: Machine,
  { plan, made, ran }: Exchange,
  deadline: Deadline,
): Promise<void> {
  const { client, context } = session;
  const { domain, remoteId } = machine;
  return withUndo({ ...context, deadline }, async (undo) => {
    undo.add(`remove the new disk of ${domain.name}`, async (margin) => {
      const now = await readDescription(session, machine, 'whenOff', margin);
      const isUsed = drivesIn(now).some(({ path }) => path?.endsWith(made.volume));
      const held = isUsed ? [] : await volumesOf(client, remoteId, [made.pool], margin);
      for (const { volume } of held.filter((each) => each.volume.name === made.volume)) {
        await removeVolume(client, volume, margin);
      }
    });
    await ensureDisk(client, plan, made, deadline);
    if (ran) {
      undo.add(`start ${domain.name} again`, (margin) => order(client, domain, 'start', margin));
    }
    await switchOff(session, machine, deadline);
    const description = await readDescription(session, machine, 'whenOff', deadline);
    const xml = writeTree(exchanged(description, plan, made));
    await defineDomain(client, xml, { what: `exchange the disk of ${domain.name}`, deadline });
  });
}

/** The description with the new disk, and the notes of it and of the pools that there were before. */
function exchanged(description: XmlNode, plan: DiskPlan, made: Made): XmlNode {
  const [root, image] = [rootIn(description), imageDriveIn(description)];
  if (root === undefined) throw refused('conflict', 'The instance has no disk to be made anew');
  const file = fileIn(plan.place, made.volume, plan.format);
  const drives = drivesIn(description).map((drive) => {
    if (drive.element === root.element) return withFile(drive, file);
    const isIso = plan.iso !== undefined && drive.element === image?.element;
    return isIso ? withFile(drive, plan.iso) : drive.element;
  });
  const notes = [madeElement(made), ...poolsIn(description).map(poolElement)];
  const tags = notes.map(({ tag }) => tag);
  return changed(withDrives(description, drives), 'metadata', (metadata) => ({
    ...metadata,
    children: [
      ...metadata.children.filter((each) => typeof each === 'string' || !tags.includes(each.tag)),
      ...notes,
    ],
  }));
}
