import type { Outcome } from '../../../contract/action.ts';
import { Failure } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import * as inspecting from '../api/commands/inspecting.ts';
import * as making from '../api/commands/making.ts';
import * as removing from '../api/commands/removing.ts';
import { isSamePath, isUnder } from '../api/paths.ts';
import type { Details } from '../api/wire.ts';
import { type Blueprint, diskType } from '../blueprint.ts';
import { checkFormat, checkParts, resourcesFor } from '../machine/capacity.ts';
import { diskPlaces, makeDisk } from '../machine/disk.ts';
import { type HostMachine, nameOf, ownOf, readDetails } from '../machine/list.ts';
import { changePower, cutPower, withState } from '../machine/power.ts';
import { withoutCheckpoints } from '../machine/remove.ts';
import { ask, noId, refused, type Session, withDeadline } from '../machine/session.ts';
import { isRunning, stateOf } from '../machine/state.ts';
import { changeMedia } from './media.ts';

/**
 * A fresh disk in the place of the old one, which stays until the new one is ready; snapshots of
 * the old one go with it, everything else stays.
 */
export async function reinstall(
  session: Session,
  machine: HostMachine,
  blueprint: Blueprint,
): Promise<Outcome> {
  const before = await readDetails(session, machine);
  checkParts(session, blueprint, await resourcesFor(session, blueprint));
  checkFit(before, blueprint);
  const old = await exchangeDisk(session, machine, before, blueprint);
  if (blueprint.template_type === 'iso') {
    await changeMedia(session, machine, blueprint.iso_path ?? '');
  }
  if (isUp(before)) await changePower(session, machine, 'start', isRunning);
  await eraseOld(session, machine, old);
  return { message: 'The instance was installed anew' };
}

function isUp({ state }: Details): boolean {
  return ['on', 'paused'].includes(stateOf(state));
}

function checkFit({ generation, disks }: Details, blueprint: Blueprint): void {
  if (disks.length !== 1) {
    throw refused('conflict', `The instance has ${disks.length} disks: only one can be made anew`);
  }
  checkFormat(generation, blueprint);
}

/**
 * Answers the disk that was there. Its undo ends with the exchange: from then on the machine has the new
 * disk, even when a later step fails.
 */
function exchangeDisk(
  session: Session,
  machine: HostMachine,
  before: Details,
  blueprint: Blueprint,
): Promise<string> {
  const name = nameOf(machine);
  return withUndo({ ...session.context, deadline: session.deadline }, async (undo) => {
    const fresh = await freePlace(session, machine, diskType(blueprint));
    undo.add(`delete the new disk of ${name}`, (margin) =>
      eraseUnused(withDeadline(session, margin), machine, fresh),
    );
    await makeDisk(session, blueprint, fresh, name);
    if (isUp(before)) {
      undo.add(`start ${name} again`, (margin) =>
        changePower(withDeadline(session, margin), machine, 'start', isRunning),
      );
    }
    await cutPower(session, withState(machine, before.state));
    const { disks } = await withoutCheckpoints(session, machine);
    const old = disks[0]?.path ?? '';
    const given = { ...ownOf(machine), from: old, to: fresh };
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

/** The place that the machine does not use, cleared of what an earlier attempt may have left. */
async function freePlace(session: Session, machine: HostMachine, type: string): Promise<string> {
  const { remoteId } = machine;
  const name = nameOf(machine);
  const places = diskPlaces(session.settings, { name, remoteId }, type);
  const { used } = await ask(session, inspecting.users, { id: noId, paths: places });
  const free = places.find((place) => !used.some((path) => isSamePath(path, place)));
  if (free === undefined) {
    throw new Failure('conflict', `Both places for a disk of ${name} are in use`, {
      advice: `Free one of them: ${places.join(' or ')}`,
    });
  }
  await ask(session, removing.erase, { files: [free], folder: '' }, { paths: [free] });
  return free;
}

async function eraseOld(session: Session, { remoteId: id }: HostMachine, old: string) {
  const { settings, context } = session;
  const { used } = await ask(session, inspecting.users, { id, paths: [old] });
  if (isUnder(old, settings.vhd_path) && used.length === 0) {
    await ask(session, removing.erase, { files: [old], folder: '' }, { paths: [old] });
  } else {
    context.log('reinstall.disk-left', { file: old, used, level: 'warn' });
  }
}
