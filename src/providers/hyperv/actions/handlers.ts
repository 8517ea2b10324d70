import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { matchesAny } from '../../../kit/fields.ts';
import { steps } from '../api/commands.ts';
import { isSamePath } from '../api/paths.ts';
import { isFromPowerShell } from '../api/trouble.ts';
import type { Details } from '../api/wire.ts';
import { gib, tooSmall } from '../blueprint.ts';
import { noFile } from '../machine/capacity.ts';
import { type Found, notRunning, show, takeBuilt } from '../machine/find.ts';
import { macWithColons } from '../machine/hardware.ts';
import { isRunning, order, powerOf } from '../machine/orders.ts';
import { isMerging } from '../machine/remove.ts';
import { alone, type Rig, refused } from '../machine/session.ts';
import { settle } from '../machine/settle.ts';

export async function getIpAddresses(rig: Rig, instance: Instance): Promise<Outcome> {
  const { id } = await show(rig, instance);
  const { adapters } = await rig.host.ask(steps.machine, { id }, { last: true });
  const rows = adapters.flatMap(({ mac, addresses }, nic) =>
    // The guest says what it likes.
    addresses
      .filter((address) => /^[0-9A-Fa-f:.]{2,45}$/.test(address))
      .map((address) => ({ nic, mac: macWithColons(mac), address })),
  );
  return {
    message:
      rows.length === 0
        ? 'No addresses are known: the guest has to run the integration services'
        : `Addresses: ${rows.length}`,
    rows,
  };
}

export function reset(rig: Rig, instance: Instance): Promise<Outcome> {
  return whileOn(rig, instance, async (found) => {
    await order(rig, found, 'reset', isRunning);
    return { message: 'The instance was reset' };
  });
}

export function suspend(rig: Rig, instance: Instance): Promise<Outcome> {
  return whileOn(rig, instance, async (found) => {
    await order(rig, found, 'pause', isPaused);
    return { message: 'The instance is suspended' };
  });
}

export function resume(rig: Rig, instance: Instance): Promise<Outcome> {
  return whileOn(rig, instance, async (found) => {
    await order(rig, found, 'resume', isRunning);
    return { message: 'The instance goes on' };
  });
}

function whileOn(
  rig: Rig,
  instance: Instance,
  work: (found: Found) => Promise<Outcome>,
): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const found = await takeBuilt(rig, instance);
    if (powerOf(found.state) !== 'on') throw notRunning(found);
    return work(found);
  });
}

function isPaused(state: string): boolean {
  return state === 'Paused';
}

export function resizeDisk(rig: Rig, instance: Instance, sizeGb: number): Promise<Outcome> {
  const { max_disk_gb: most } = rig.settings;
  if (most !== undefined && sizeGb > most) {
    throw refused('denied', `A disk may have ${most} GiB at most`);
  }
  return alone(rig, instance, async () => {
    const { id } = await takeBuilt(rig, instance);
    const path = growable(await rig.host.ask(steps.machine, { id }));
    const said = await grow(rig, path, sizeGb * gib);
    if (said.before > sizeGb * gib) throw tooSmall(sizeGb, said.before);
    return { message: `The disk has ${Math.floor(said.size / gib)} GiB now` };
  });
}

/** Whatever Hyper-V complains of: a disk that has the size was made larger. */
async function grow({ host }: Rig, path: string, bytes: number) {
  const paths = [path];
  try {
    return await host.ask(steps.grow, { path, bytes }, { paths });
  } catch (thrown) {
    if (!isFromPowerShell(thrown)) throw thrown;
    const now = await host.ask(steps.grow, { path, bytes: 0 }, { paths });
    if (now.size < bytes) throw thrown;
    return { ...now, before: 0 };
  }
}

/** The disk that the machine starts from, when Hyper-V can grow it right now. */
function growable(details: Details): string {
  const { disks, snapshots, state } = details;
  const [disk] = disks;
  if (disk === undefined) throw refused('conflict', 'The instance has no disk');
  if (snapshots.length > 0 || isMerging(details)) {
    throw refused('conflict', 'A disk with snapshots cannot grow: delete them first');
  }
  if (disk.controller === 'IDE' && state !== 'Off') {
    throw refused(
      'conflict',
      'The disk of a generation 1 machine can grow only while it is stopped',
    );
  }
  return disk.path;
}

export function attachIso(rig: Rig, instance: Instance, iso: string): Promise<Outcome> {
  const { allowed_isos, vhd_path } = rig.settings;
  if (!matchesAny(iso, allowed_isos)) {
    throw refused('denied', 'This image is not among those that are allowed here');
  }
  return alone(rig, instance, async () => {
    const found = await takeBuilt(rig, instance);
    const paths = [iso];
    const survey = await rig.host.ask(
      steps.survey,
      { folder: vhd_path, template: '', iso },
      { paths },
    );
    if (!survey.iso) throw noFile('ISO image', iso);
    await changeMedia(rig, found, iso);
    return { message: 'The image is in the drive' };
  });
}

export function detachIso(rig: Rig, instance: Instance): Promise<Outcome> {
  return alone(rig, instance, async () => {
    await changeMedia(rig, await takeBuilt(rig, instance), '');
    return { message: 'The drive is empty' };
  });
}

export function changeMedia(rig: Rig, { id, proof }: Found, iso: string): Promise<void> {
  return settle(
    rig,
    id,
    () => rig.host.ask(steps.media, { id, proof, iso }, { paths: [iso] }),
    ({ media }) =>
      iso === '' ? media.every((path) => path === '') : media.some((path) => isSamePath(path, iso)),
  );
}
