import type { Outcome } from '../../../contract/action.ts';
import { Failure } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import * as making from '../api/commands/making.ts';
import * as removing from '../api/commands/removing.ts';
import { isSamePath, isUnder } from '../api/paths.ts';
import type { Details } from '../api/wire.ts';
import { type Blueprint, diskType } from '../blueprint.ts';
import { checkFormat, checkParts, resourcesFor } from '../machine/capacity.ts';
import {
  filesOf,
  hasForeignSnapshots,
  inBackup,
  mergeCheckpoints,
  mergedFiles,
} from '../machine/checkpoints.ts';
import { isDataDisk, rootOf } from '../machine/data-disks.ts';
import { diskPlaces, makeDisk } from '../machine/disk.ts';
import { type HostMachine, nameOf, ownOf, readDetails } from '../machine/list.ts';
import { changePower, cutPower, withState } from '../machine/power.ts';
import { seedPlace } from '../machine/seed-place.ts';
import { ask, noId, refused, type Session, withDeadline } from '../machine/session.ts';
import { isRunning, stateOf } from '../machine/state.ts';
import { listed, refuseUsers, usersOf } from '../machine/users.ts';
import { changeMedia } from './media.ts';

/**
 * A fresh disk in the place of the old one, which stays until the new one is ready; snapshots of
 * the old one go with it, everything else stays. The inputs are checked before anything is touched.
 */
export async function reinstall(
  session: Session,
  machine: HostMachine,
  blueprint: Blueprint,
): Promise<Outcome> {
  const before = await readDetails(session, machine);
  checkParts(session, blueprint, await resourcesFor(session, blueprint));
  checkFit(before, blueprint);
  const fresh = await freePlace(session, machine, before, diskType(blueprint));
  const old = await exchangeDisk(session, machine, { before, blueprint, fresh });
  if (isUp(before)) await changePower(session, machine, 'start', isRunning);
  await eraseOld(session, machine, old);
  return { message: 'The instance was installed anew' };
}

function isUp({ state }: Details): boolean {
  return ['on', 'paused'].includes(stateOf(state));
}

function checkFit(details: Details, blueprint: Blueprint): void {
  const { generation, disks } = details;
  const roots = disks.filter(({ path }) => !isDataDisk(path));
  if (roots.length !== 1) {
    throw refused('conflict', `The instance has ${roots.length} disks: only one can be made anew`);
  }
  if (hasForeignSnapshots(details)) throw inBackup();
  checkFormat(generation, blueprint);
}

interface Exchange {
  readonly before: Details;
  readonly blueprint: Blueprint;
  /** The place of the new disk. */
  readonly fresh: string;
}

/** The image in its drive, beside the one with the data for its guest. */
function imageIn({ settings }: Session, machine: HostMachine, { media }: Details): string {
  const seed = seedPlace(settings, machine);
  return media.find((path) => path !== '' && !isSamePath(path, seed)) ?? '';
}

/**
 * Answers the files of the disk that was there. Its undo ends with the exchange: from then on the machine
 * has the new disk, even when a later step fails.
 */
function exchangeDisk(
  session: Session,
  machine: HostMachine,
  { before, blueprint, fresh }: Exchange,
): Promise<readonly string[]> {
  const name = nameOf(machine);
  return withUndo({ ...session.context, deadline: session.deadline }, async (undo) => {
    undo.add(`delete the new disk of ${name}`, (margin) =>
      eraseUnused(withDeadline(session, margin), machine, fresh),
    );
    await ask(session, removing.erase, { files: [fresh], folder: '' }, { paths: [fresh] });
    await makeDisk(session, blueprint, fresh, name);
    if (isUp(before)) {
      undo.add(`start ${name} again`, (margin) =>
        changePower(withDeadline(session, margin), machine, 'start', isRunning),
      );
    }
    await cutPower(session, withState(machine, before.state));
    const details = await mergeCheckpoints(session, machine, before);
    const root = rootOf(details);
    // All others are data disks, which stay as they are.
    const old = await filesOf(session, { disks: root === undefined ? [] : [root] });
    if (blueprint.template_type === 'iso') {
      undo.add(`put the drive of ${name} back`, (margin) =>
        changeMedia(withDeadline(session, margin), machine, imageIn(session, machine, before)),
      );
      await changeMedia(session, machine, blueprint.iso_path ?? '');
    }
    const given = { ...ownOf(machine), from: root?.path ?? '', to: fresh };
    const { done } = await ask(session, making.exchange, given);
    if (done) return old;
    throw new Failure('conflict', `The disk of ${name} is not where it was a moment ago`);
  });
}

async function eraseUnused(session: Session, machine: HostMachine, disk: string): Promise<void> {
  const { disks } = await readDetails(session, machine);
  if (disks.some(({ path }) => isSamePath(path, disk))) return;
  await ask(session, removing.erase, { files: [disk], folder: '' });
}

/** The place that no machine uses; fails where the old disk or its snapshots must not be touched. */
async function freePlace(
  session: Session,
  machine: HostMachine,
  details: Details,
  type: string,
): Promise<string> {
  const { remoteId } = machine;
  const name = nameOf(machine);
  const places = diskPlaces(session.settings, { name, remoteId }, type);
  const own = [...details.disks.map(({ path }) => path), ...mergedFiles(details)];
  const { used, unread, there } = await usersOf(session, noId, [...new Set([...places, ...own])]);
  // A merge would change the disk for all that build on it; without one the old disk only stays.
  const others = used.filter(({ id }) => id !== remoteId);
  const merged = details.snapshots.length > 0 ? others : [];
  refuseUsers({ used: merged, unread, there }, name);
  const free = places.find((place) => !used.some(({ path }) => isSamePath(path, place)));
  if (free !== undefined) return free;
  throw new Failure('conflict', `Both places for a disk of ${name} are in use`, {
    advice: `Look at the machines that use them, of which one should have another disk: ${listed(used)}`,
  });
}

async function eraseOld(
  session: Session,
  { remoteId: id }: HostMachine,
  old: readonly string[],
): Promise<void> {
  const { settings, context } = session;
  const { used, unread } = await usersOf(session, id, old);
  const outside = old.some((file) => !isUnder(file, settings.vhd_path));
  if (!outside && used.length === 0 && unread.length === 0) {
    await ask(session, removing.erase, { files: old, folder: '' }, { paths: old });
  } else {
    context.log('reinstall.disk-left', { files: old, used, unread, level: 'warn' });
  }
}
