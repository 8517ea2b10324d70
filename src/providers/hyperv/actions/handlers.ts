import type { ActionCall, Handlers, Outcome, Parameters } from '../../../contract/action.ts';
import type { Fields } from '../../../contract/field.ts';
import { expectFailure, type Failure, reworded } from '../../../failure.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import type { PowerCommand } from '../api/command.ts';
import * as making from '../api/commands/making.ts';
import * as reading from '../api/commands/reading.ts';
import { isFromPowerShell } from '../api/trouble.ts';
import type { Details } from '../api/wire.ts';
import { type Blueprint, gib, tooSmall } from '../blueprint.ts';
import {
  hasForeignSnapshots,
  inBackup,
  isMerging,
  isUnmerged,
  ownSnapshots,
} from '../machine/checkpoints.ts';
import { macWithColons } from '../machine/hardware.ts';
import { type HostMachine, readDetails } from '../machine/list.ts';
import { changePower } from '../machine/power.ts';
import { ask, refused, type Session, withDeadline } from '../machine/session.ts';
import { isRunning } from '../machine/state.ts';
import type { actions } from './definitions.ts';
import { attachIso, changeMedia } from './media.ts';

type Call = Pick<ActionCall<HostMachine, Parameters, Blueprint, Fields>, 'machine' | 'deadline'>;

export function handlers(session: Session): Handlers<HostMachine, Blueprint, typeof actions> {
  const at = ({ deadline }: Pick<Call, 'deadline'>): Session => withDeadline(session, deadline);
  const switching =
    (order: PowerCommand, reached: (state: string) => boolean, message: string) =>
    async (call: Call): Promise<Outcome> => {
      await changePower(at(call), call.machine, order, reached);
      return { message };
    };
  return {
    GetIpAddresses: (call) => getIpAddresses(at(call), call.machine),
    Reset: switching('reset', isRunning, 'The instance was reset'),
    Suspend: switching('pause', (state) => state === 'Paused', suspended.message),
    Resume: switching('resume', isRunning, 'The instance goes on'),
    ResizeDisk: (call) => resizeDisk(at(call), call.machine, call.parameters.size_gb),
    AttachIso: (call) => attachIso(at(call), call.machine, call.parameters.iso_path),
    async DetachIso(call) {
      await changeMedia(at(call), call.machine, '');
      return { message: 'The drive is empty' };
    },
    Reinstall: async (call) =>
      (await import('./reinstall.ts')).reinstall(at(call), call.machine, call.blueprint),
  };
}

async function getIpAddresses(session: Session, { remoteId: id }: HostMachine): Promise<Outcome> {
  const { adapters } = await ask(session, reading.machine, { id }, { last: true });
  const rows = adapters.flatMap(({ name: nic, mac, addresses }) =>
    // The guest reports these itself, and may report anything.
    addresses
      .filter((address) => /^[0-9A-Fa-f:.]{2,45}$/.test(address))
      .map((address) => ({
        ...{ NIC: nic, 'MAC address': macWithColons(mac), 'IP address': address },
      })),
  );
  return {
    message:
      rows.length === 0
        ? 'No addresses are known: the guest has to run the integration services'
        : `Addresses: ${rows.length}`,
    rows,
  };
}

async function resizeDisk(
  session: Session,
  machine: HostMachine,
  sizeGb: number,
): Promise<Outcome> {
  const { max_disk_gb: most } = session.settings;
  if (most !== undefined && sizeGb > most) {
    throw refused('denied', `A disk may have ${most} GiB at most`);
  }
  const details = await readDetails(session, machine);
  const path = growable(details);
  const grown = await grow(session, path, sizeGb * gib).catch((thrown: unknown) => {
    throw isUnmerged(details) && isFromPowerShell(thrown)
      ? unmerged(expectFailure(thrown))
      : thrown;
  });
  if (grown.before > sizeGb * gib) throw tooSmall(sizeGb, grown.before);
  return { message: `The disk has ${Math.floor(grown.size / gib)} GiB now` };
}

/** Grows the disk; an error of Hyper-V does not count when the disk has the size afterwards. */
async function grow(session: Session, path: string, bytes: number) {
  const paths = [path];
  try {
    return await ask(session, making.grow, { path, bytes }, { paths });
  } catch (thrown) {
    if (!isFromPowerShell(thrown)) throw thrown;
    const now = await ask(session, making.grow, { path, bytes: 0 }, { paths });
    if (now.size < bytes) throw thrown;
    return { ...now, before: 0 };
  }
}

/** The disk goes on in the file of a checkpoint that is gone, which Hyper-V may refuse to make larger. */
function unmerged(failure: Failure): Failure {
  return reworded(failure, {
    advice:
      'Its disk goes on in the file of a checkpoint that is gone and was never merged, as a backup that failed may leave it: merge it with the machine off (Edit Disk in Hyper-V Manager) and connect the disk that this makes',
    tenant: 'The disk of this instance cannot grow before an administrator has merged its parts',
  });
}

/** The disk that the machine starts from, when Hyper-V can grow it right now. */
function growable(details: Details): string {
  const { disks, state } = details;
  const [disk] = disks;
  if (disk === undefined) throw refused('conflict', 'The instance has no disk');
  if (ownSnapshots(details).length > 0) {
    throw refused('conflict', 'A disk with snapshots cannot grow: delete them first');
  }
  if (hasForeignSnapshots(details)) throw inBackup();
  if (isMerging(details)) {
    throw refused('conflict', 'The disk is still being merged with its snapshots: try again later');
  }
  if (disk.controller === 'IDE' && state !== 'Off') {
    throw refused(
      'conflict',
      'The disk of a generation 1 machine can grow only while it is stopped',
    );
  }
  return disk.path;
}
