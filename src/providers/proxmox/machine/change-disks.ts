import { expectFailure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isChanged, isHotplugProblem } from '../api/error-texts.ts';
import { isUncertain } from '../api/find-task.ts';
import { withHolder } from '../api/locks.ts';
import type { Config } from '../api/wire.ts';
import { type Form, writeConfig } from './config.ts';
import { serialIn } from './data-disks.ts';
import { type Place, readConfig } from './read.ts';
import type { Session } from './session.ts';

export interface DiskChange {
  readonly form: Form;
  /** Completes "could not ...". */
  readonly what: string;
  /** The configuration that the change goes by; Proxmox VE refuses it over any other. */
  readonly version: string | undefined;
  /** Whether the machine has it as wanted, in the configuration that it runs with. */
  isDone(config: Config): boolean;
}

/**
 * Writes a change of disks. `pending`: a running machine did not take it, but Proxmox VE has stored it for
 * the next start all the same, also when it answers with an error.
 */
export async function changeDisks(
  session: Session,
  place: Place,
  change: DiskChange,
): Promise<'done' | 'pending' | 'lost'> {
  const outcome = await write(session, place, change);
  if (outcome !== 'written') return outcome;
  return change.isDone(await readConfig(session, place, { current: true })) ? 'done' : 'pending';
}

async function write(
  session: Session,
  place: Place,
  change: DiskChange,
  tries = 2,
): Promise<'written' | 'pending' | 'lost'> {
  const { form, what, version } = change;
  const target = path`/nodes/${place.node}/qemu/${place.vmid}/config`;
  const digest = version === undefined ? {} : { digest: version };
  try {
    await session.api.send('PUT', target, { what, form: { ...form, ...digest } });
    return 'written';
  } catch (thrown) {
    if (isChanged(thrown)) return 'lost';
    if (isHotplugProblem(thrown)) {
      const { message: error } = expectFailure(thrown);
      session.context.log('disks.not-plugged', { machine: place.vmid, error });
      return 'pending';
    }
    if (!isUncertain(thrown)) throw await withHolder(session.api, target, thrown);
    const now = await readConfig(session, place);
    const { message: after } = expectFailure(thrown);
    session.context.log('disks.uncertain', {
      machine: place.vmid,
      there: change.isDone(now),
      after,
    });
    if (change.isDone(now)) return 'written';
    if (tries > 1 && now['digest'] === version) return write(session, place, change, tries - 1);
    throw thrown;
  }
}

/** Takes a new disk away again, wherever its making has come to; another call's disk stays. */
export async function dropNew(
  session: Session,
  place: Place,
  { key, serial }: { readonly key: string; readonly serial: string },
): Promise<void> {
  const value = (await readConfig(session, place))[key];
  if (value === undefined || serialIn(value) !== serial) return;
  const [volume = ''] = value.split(',');
  const what = `remove the new disk ${key} of machine ${place.vmid}`;
  await writeConfig(session, place, { delete: key }, what);
  const now = await readConfig(session, place);
  const unused = Object.keys(now).find((each) => /^unused\d+$/.test(each) && now[each] === volume);
  if (unused !== undefined) await writeConfig(session, place, { delete: unused }, what);
}
