import type { Handlers, Outcome } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { below, first, textIn, type XmlNode } from '../../../kit/xml/tree.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import { order, resizeBlock } from '../api/domains.ts';
import { resizeVolume, volumeAt, volumeFacts } from '../api/volumes.ts';
import { cpusIn, memoryIn, readDescription } from '../machine/hardware.ts';
import { isOff, type Machine, stateOf } from '../machine/machines.ts';
import { resume, suspend } from '../machine/power.ts';
import type { Session } from '../machine/session.ts';
import type { Blueprint } from '../settings.ts';
import { addressesOf } from './addresses.ts';
import type { actions } from './definitions.ts';

export function handlers(session: Session): Handlers<Machine, Blueprint, typeof actions> {
  const { client } = session;
  return {
    GetIpAddresses: ({ machine, deadline }) => addressesOf(session, machine, deadline),
    async Reset({ machine, deadline }) {
      // A reset leaves a suspended guest suspended.
      if (stateOf(machine) === 'paused') await resume(session, machine, deadline);
      await order(client, machine.domain, 'reset', deadline);
      return { message: 'The instance was reset' };
    },
    async Suspend({ machine, undo, deadline }) {
      if (stateOf(machine) === 'paused') return suspended;
      undo.add(`let ${machine.remoteId} go on`, async (margin) => {
        await resume(session, machine, margin);
      });
      await suspend(session, machine, deadline);
      return suspended;
    },
    async Resume({ machine, deadline }) {
      await resume(session, machine, deadline);
      return { message: 'The instance goes on' };
    },
    ResizeDisk: ({ machine, parameters: { size_gb }, deadline }) =>
      resizeDisk(session, machine, size_gb, deadline),
    GetDetails: ({ machine, deadline }) => detailsOf(session, machine, deadline),
  };
}

/** The first disk, from which the guest boots. */
export function rootDiskIn(description: XmlNode): { readonly path: string; readonly dev: string } {
  const disks = below(first(description, 'devices'), 'disk');
  const root = disks.find(({ attributes: { device = 'disk' } }) => device === 'disk');
  const { file, dev = file } = first(root, 'source')?.attributes ?? {};
  const target = first(root, 'target')?.attributes['dev'];
  if (dev === undefined || target === undefined) {
    throw refused('This instance has no disk that libvirt keeps as a volume');
  }
  return { path: dev, dev: target };
}

/** Only larger: a file system that is cut off is lost. */
async function resizeDisk(
  session: Session,
  machine: Machine,
  sizeGb: number,
  deadline: Deadline,
): Promise<Outcome> {
  const { client, settings } = session;
  const { max_disk_gb: most } = settings;
  if (most !== undefined && sizeGb > most) throw refused(`A disk may have ${most} GiB at most`);
  const { path, dev } = rootDiskIn(await readDescription(session, machine, 'now', deadline));
  const volume = await volumeAt(client, path, deadline);
  const { capacity } = await volumeFacts(client, volume, deadline);
  const bytes = sizeGb * 2 ** 30;
  if (bytes < capacity) throw refused('A disk can only be made larger');
  if (isOff(machine)) await resizeVolume(client, volume, bytes, deadline);
  else await resizeBlock(client, machine.domain, { disk: dev, bytes }, deadline);
  return { message: `The disk has ${sizeGb} GiB` };
}

function refused(sentence: string): Failure {
  return new Failure('usage', sentence, { tenant: sentence });
}

async function detailsOf(session: Session, machine: Machine, deadline: Deadline): Promise<Outcome> {
  const description = await readDescription(session, machine, 'now', deadline);
  const type = first(description, 'os', 'type');
  const { path } = rootDiskIn(description);
  const screen = first(description, 'devices', 'graphics')?.attributes ?? {};
  return {
    message: `Instance ${machine.domain.name}`,
    facts: {
      ...{ Name: machine.domain.name, UUID: machine.remoteId, Status: stateOf(machine) },
      Virtualization: description.attributes['type'] ?? '',
      'Machine type': type?.attributes['machine'] ?? '',
      Firmware: textIn(first(description, 'os', 'loader')) === '' ? 'BIOS' : 'UEFI',
      CPUs: cpusIn(description),
      Memory: { bytes: memoryIn(description) },
      Disk: path,
      Screen: screen['port'] === undefined ? '' : `${screen['type']} on port ${screen['port']}`,
    },
  };
}
