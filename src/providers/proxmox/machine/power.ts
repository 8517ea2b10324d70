import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { take } from './find.ts';
import { formOf, hardwareChange, isEmpty } from './hardware.ts';
import { isPaused, isRunning, isSaved, type Live, readLive } from './live.ts';
import { isBuilding, type Machine } from './machine.ts';
import { keepIndex } from './ownership.ts';
import { readConfig } from './read.ts';
import type { Session } from './session.ts';
import { resumeGuest, switchOn } from './switch.ts';
import { writeConfig } from './write-config.ts';

export async function start(session: Session, instance: SizedInstance): Promise<void> {
  const machine = await take(session, instance);
  await powerOn(session, instance, machine);
  await keepIndex(session, machine);
}

/** Brings CPUs, memory and NICs up to date and then the power on; only for machines that are built. */
export async function powerOn(
  session: Session,
  instance: SizedInstance,
  machine: Machine,
): Promise<void> {
  if (isBuilding(machine)) throw halfMade(machine);
  const live = await readLive(session, machine);
  if (isRunning(live)) return stayOn(session, instance, machine, live);
  const change = hardwareChange(session.settings, instance, machine.config);
  if (!isEmpty(change)) {
    if (isSaved(live)) throw otherHardware(machine, 'saved to disk');
    const what = `bring machine ${machine.vmid} up to date`;
    await writeConfig(session, machine, formOf(change), what);
  }
  await switchOn(session, machine);
}

/** Already running, it is left as it is, provided that is what it should be. */
async function stayOn(
  session: Session,
  instance: SizedInstance,
  machine: Machine,
  live: Live,
): Promise<void> {
  const config = await readConfig(session, machine, { current: true });
  if (!isEmpty(hardwareChange(session.settings, instance, config))) {
    throw otherHardware(machine, 'running');
  }
  if (isPaused(live)) await resumeGuest(session, machine);
}

export function halfMade({ vmid, mark }: Machine): Failure {
  return new Failure('conflict', `Machine ${vmid} of ${mark.name} was never finished`, {
    advice: 'Stop the instance, which removes it',
    tenant: 'The instance was never finished',
  });
}

/** Changed under a running guest, its network would be another one than everybody believes. */
function otherHardware({ vmid, mark }: Machine, how: string): Failure {
  return new Failure(
    'conflict',
    `Machine ${vmid} of ${mark.name} is ${how} with other NICs, CPUs or memory than it should have`,
    { advice: how === 'running' ? 'Stop it first' : 'Resume it on its old network, or delete it' },
  );
}

/** The failure of whatever only makes sense while the instance runs. */
export function notRunning({ vmid, mark }: Machine): Failure {
  return new Failure('conflict', `Machine ${vmid} of ${mark.name} is not running`, {
    advice: 'Start it first',
    tenant: 'The instance is not running',
  });
}
