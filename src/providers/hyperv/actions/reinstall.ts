import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import { steps } from '../api/commands.ts';
import { isSamePath, isUnder } from '../api/paths.ts';
import type { Details } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { diskType } from '../blueprint.ts';
import { checkFormat, checkParts, lookForParts } from '../machine/capacity.ts';
import { diskPlaces, makeDisk } from '../machine/disk.ts';
import { type Found, takeBuilt } from '../machine/find.ts';
import { isRunning, order, powerOf, powerOff } from '../machine/orders.ts';
import { withoutCheckpoints } from '../machine/remove.ts';
import { alone, nobody, type Rig, refused, within } from '../machine/session.ts';
import { changeMedia } from './handlers.ts';

/**
 * A fresh disk in the place of the old one, which stays until the new one is ready; snapshots of
 * the old one go with it, everything else stays.
 */
export function reinstall(rig: Rig, instance: Instance, blueprint: Blueprint): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const found = await takeBuilt(rig, instance);
    const before = await rig.host.ask(steps.machine, { id: found.id });
    checkParts(rig, blueprint, await lookForParts(rig, blueprint));
    checkFit(before, blueprint);
    const old = await exchangeDisk(rig, found, before, blueprint);
    if (blueprint.template_type === 'iso') await changeMedia(rig, found, blueprint.iso_path ?? '');
    if (powerOf(before.state) === 'on') await order(rig, found, 'start', isRunning);
    await eraseOld(rig, found, old);
    return { message: 'The instance was installed anew' };
  });
}

function checkFit({ generation, disks }: Details, blueprint: Blueprint): void {
  if (disks.length !== 1) {
    throw refused('conflict', `The instance has ${disks.length} disks: only one can be made anew`);
  }
  checkFormat(generation, blueprint);
}

/** Answers the disk that was there. */
function exchangeDisk(
  rig: Rig,
  found: Found,
  before: Details,
  blueprint: Blueprint,
): Promise<string> {
  const { host } = rig;
  const { id, proof, name } = found;
  return withUndo(rig.context, async (undo) => {
    const fresh = await freePlace(rig, found, diskType(blueprint));
    undo.add(`delete the new disk of ${name}`, async (margin) => {
      const inMargin = within(rig, margin);
      const { disks } = await inMargin.host.ask(steps.machine, { id });
      if (disks.some(({ path }) => isSamePath(path, fresh))) return;
      await inMargin.host.ask(steps.erase, { files: [fresh], folder: '' });
    });
    await makeDisk(rig, blueprint, fresh, name);
    if (powerOf(before.state) === 'on') {
      undo.add(`start ${name} again`, (margin) =>
        order(within(rig, margin), found, 'start', isRunning),
      );
    }
    await powerOff(rig, { ...found, state: before.state }, 'hard');
    const { disks } = await withoutCheckpoints(rig, found);
    const old = disks[0]?.path ?? '';
    const { done } = await host.ask(steps.exchange, { id, proof, from: old, to: fresh });
    if (done) return old;
    throw new Failure('conflict', `The disk of ${name} is not where it was a moment ago`);
  });
}

/** The place that the machine does not use, cleared of what an earlier attempt may have left. */
async function freePlace(
  { host, settings }: Rig,
  { name, mark }: Found,
  type: string,
): Promise<string> {
  const places = diskPlaces(settings, mark, type);
  const { used } = await host.ask(steps.users, { id: nobody, paths: places });
  const free = places.find((place) => !used.some((path) => isSamePath(path, place)));
  if (free === undefined) {
    throw new Failure('conflict', `Both places for a disk of ${name} are in use`, {
      advice: `Free one of them: ${places.join(' or ')}`,
    });
  }
  await host.ask(steps.erase, { files: [free], folder: '' }, { paths: [free] });
  return free;
}

async function eraseOld(
  { host, settings, context }: Rig,
  { id }: Found,
  old: string,
): Promise<void> {
  const { used } = await host.ask(steps.users, { id, paths: [old] });
  if (isUnder(old, settings.vhd_path) && used.length === 0) {
    await host.ask(steps.erase, { files: [old], folder: '' }, { paths: [old] });
  } else {
    context.log('reinstall.disk-left', { file: old, used, level: 'warn' });
  }
}
