import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { poll } from '../../kit/poll.ts';
import { withUndo } from '../../kit/undo.ts';
import type { SizedInstance } from '../../provider.ts';
import { take } from './find.ts';
import { formOf, hardwareChange, isEmpty } from './hardware.ts';
import { readConfig } from './inventory.ts';
import { isPaused, isRunning, isSaved, type Live, readLive } from './live.ts';
import { isBuilding, type Machine } from './machine.ts';
import { keepIndex, writeConfig } from './ownership.ts';
import { type Rig, under } from './rig.ts';
import { cancel, run } from './tasks.ts';
import { saidBy } from './trouble.ts';

type Place = Pick<Machine, 'vmid' | 'node'>;

export async function start(rig: Rig, instance: SizedInstance): Promise<void> {
  const machine = await take(rig, instance);
  await powerOn(rig, instance, machine);
  await keepIndex(rig, machine);
}

/** Brings CPUs, memory and NICs up to date and then the power on; only for machines that are built. */
export async function powerOn(rig: Rig, instance: SizedInstance, machine: Machine): Promise<void> {
  if (isBuilding(machine)) throw halfMade(machine);
  const live = await readLive(rig, machine);
  if (isRunning(live)) return stayOn(rig, instance, machine, live);
  const change = hardwareChange(rig.settings, instance, machine.config);
  if (!isEmpty(change)) {
    if (isSaved(live)) throw otherHardware(machine, 'saved to disk');
    const what = `bring machine ${machine.vmid} up to date`;
    await writeConfig(rig, machine, formOf(change), what);
  }
  await switchOn(rig, machine);
}

/** Already running, it is left as it is, provided that is what it should be. */
async function stayOn(
  rig: Rig,
  instance: SizedInstance,
  machine: Machine,
  live: Live,
): Promise<void> {
  const config = await readConfig(rig, machine, { current: true });
  if (!isEmpty(hardwareChange(rig.settings, instance, config))) {
    throw otherHardware(machine, 'running');
  }
  if (isPaused(live)) await resumeGuest(rig, machine);
}

/** Ends when the machine is seen running; a start that could not end is taken back. */
export function switchOn(rig: Rig, place: Place): Promise<void> {
  return withUndo(rig.context, async (undo) => {
    const { vmid } = place;
    undo.add(`take back the start of machine ${vmid}`, async (deadline) => {
      const margin = under(rig, deadline);
      if (task !== undefined) await cancel(margin, task);
      if (isRunning(await readLive(margin, place))) await cutPower(margin, place);
    });
    let task: string | undefined;
    await ignoring(
      run(rig, {
        path: path`/nodes/${place.node}/qemu/${vmid}/status/start`,
        what: `start machine ${vmid}`,
        doing: `machine ${vmid} was starting`,
        begun: (upid) => {
          task = upid;
        },
      }),
      // Somebody else was faster, which is all that is wanted.
      new RegExp(`^VM ${vmid} already running$`),
    );
    await waitFor(rig, place, isRunning, `machine ${vmid} was not running yet`);
  });
}

/** Where HA is in charge, a start or stop is only a wish: what counts is what the machine does. */
export async function waitFor(
  rig: Rig,
  place: Place,
  wanted: (live: Live) => boolean,
  doing: string,
): Promise<Live> {
  const look = async (): Promise<Live | undefined> => {
    const live = await readLive(rig, place);
    return wanted(live) ? live : undefined;
  };
  return poll(rig.api.deadline, doing, look, { firstMs: 50, growth: 1.4, mostMs: 2000 });
}

/** Cuts the power; a shutdown that is under way is overruled. */
export async function cutPower(rig: Rig, place: Place): Promise<void> {
  const { vmid, node } = place;
  const work = {
    path: path`/nodes/${node}/qemu/${vmid}/status/stop`,
    what: `stop machine ${vmid}`,
    doing: `machine ${vmid} was being stopped`,
  };
  try {
    await run(rig, { ...work, params: { 'overrule-shutdown': 1 } });
  } catch (thrown) {
    // Before 8.1 there is no such parameter.
    const { errors } = Failure.from(thrown).facts;
    if (typeof errors !== 'object' || errors === null || !('overrule-shutdown' in errors)) {
      throw thrown;
    }
    await run(rig, work);
  }
  await waitFor(rig, place, (live) => !isRunning(live), `machine ${vmid} was still running`);
}

export async function resumeGuest(rig: Rig, { vmid, node }: Place): Promise<void> {
  await run(rig, {
    path: path`/nodes/${node}/qemu/${vmid}/status/resume`,
    what: `resume machine ${vmid}`,
    doing: `machine ${vmid} was being resumed`,
  });
}

/** Lets failures with that text pass. */
export async function ignoring(work: Promise<void>, said: RegExp): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    if (!said.test(saidBy(Failure.from(thrown)))) throw thrown;
  }
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
