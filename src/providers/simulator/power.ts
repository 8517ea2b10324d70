import type { Power, StopManner } from '../../contract/driver.ts';
import type { Instance, SizedInstance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { withUndo } from '../../kit/undo.ts';
import { overview } from '../../lifecycle/ownership.ts';
import { speaksFor } from '../../lifecycle/responsibility.ts';
import { allocating, checkRoom } from './capacity.ts';
import { find, lookAround, missing, take, takeIfThere } from './find.ts';
import {
  hardwareOf,
  hasHardware,
  isBuilding,
  isRunning,
  type Machine,
  notRunning,
  powerOf,
} from './machine.ts';
import type { Rig } from './script.ts';

/** Runs the work on the instance's machine while nobody else does. */
export function alone<T>(rig: Rig, instance: Instance, work: () => Promise<T>): Promise<T> {
  return rig.store.locked(instance.uuid, `another action on ${instance.name}`, work);
}

export function start(rig: Rig, instance: SizedInstance): Promise<void> {
  return alone(rig, instance, async () => powerOn(rig, instance, take(rig, instance)));
}

/** Brings the hardware of a built machine up to date and then the power on. */
export async function powerOn(rig: Rig, instance: SizedInstance, machine: Machine): Promise<void> {
  const hardware = hardwareOf(instance);
  if (machine.power !== 'off' && !hasHardware(machine, hardware)) throw otherHardware(machine);
  if (machine.power === 'on') return;
  const boots = machine.power === 'off' ? machine.boots + 1 : machine.boots;
  const started: Machine = { ...machine, ...hardware, power: 'on', boots };
  await withUndo(rig.context, async (undo) => {
    await allocating(rig, () => {
      // How much room another node has is known to its own host.
      if (machine.node === rig.settings.node) checkRoom(rig, instance, machine.remoteId);
      rig.store.write(started);
    });
    undo.add(`put machine ${machine.remoteId} back`, async () => rig.store.write(machine));
    await rig.task(`starting machine ${machine.remoteId}`);
  });
}

/** Half-made machines are removed, since nothing else ever would; saved memory is left alone. */
export function stop(rig: Rig, instance: Instance, manner: StopManner): Promise<void> {
  return alone(rig, instance, async () => {
    const machine = takeIfThere(rig, instance);
    if (machine === undefined) {
      rig.context.log('stop.missing');
      return;
    }
    if (isBuilding(machine)) {
      rig.context.log('stop.half-made', { machine: machine.remoteId });
      rig.store.remove(machine.remoteId);
      return;
    }
    if (isRunning(machine)) await powerOff(rig, machine, manner);
  });
}

/** The machine without power; a guest that runs is asked first, for as long as its grace lasts. */
export async function powerOff(rig: Rig, machine: Machine, manner: StopManner): Promise<Machine> {
  const { deadline } = rig.context;
  if (manner === 'graceful' && machine.power === 'on' && rig.settings.ignore_shutdown) {
    // Enough is kept of the time to cut the power when the guest does not listen.
    const graceMs = Math.min(rig.settings.grace_seconds * 1000, deadline.remainingMs() / 2);
    await deadline.sleep(graceMs, `waiting for the guest of ${machine.remoteId} to shut down`);
    rig.context.log('stop.ungraceful', { machine: machine.remoteId, waitedMs: graceMs });
  }
  await rig.task(`stopping machine ${machine.remoteId}`);
  const stopped: Machine = { ...machine, power: 'off' };
  rig.store.write(stopped);
  return stopped;
}

/** Asks the guest to restart; ends when it is back. */
export function reboot(rig: Rig, instance: Instance): Promise<void> {
  return alone(rig, instance, async () => {
    const machine = take(rig, instance);
    if (!isRunning(machine)) throw notRunning(machine);
    await rig.task(`rebooting machine ${machine.remoteId}`);
    rig.store.write({ ...machine, power: 'on', boots: machine.boots + 1 });
  });
}

export async function power(rig: Rig, instance: Instance): Promise<Power> {
  const choice = find(rig, instance);
  if (choice.kind === 'missing') throw missing(instance);
  if (choice.kind === 'doubtful') {
    rig.context.log('power.doubtful', { doubt: choice.doubt, level: 'warn' });
    return 'unknown';
  }
  return powerOf(choice.machine.machine as Machine);
}

/** Everything this host speaks for; fails rather than leave out what it cannot read. */
export async function powers(rig: Rig): Promise<ReadonlyMap<string, Power>> {
  if (rig.store.sight() === 'new') throw nothingYet();
  const { certain, doubtful, unseen } = overview(lookAround(rig), rig.context.installation);
  if (unseen.length > 0) throw damaged(unseen.map(({ remoteId }) => remoteId));
  const { node, nodes = [node], other_nodes: otherNodes = [] } = rig.settings;
  const isMine = (machine: Machine): boolean => speaksFor(machine, { nodes, otherNodes });
  const report = new Map<string, Power>();
  for (const { name, machines } of doubtful) {
    if (machines.some(({ machine }) => isMine(machine as Machine))) report.set(name, 'unknown');
  }
  for (const { machine: seen, mark } of certain) {
    const machine = seen.machine as Machine;
    if (isMine(machine)) report.set(mark.name, powerOf(machine));
  }
  return report;
}

/** Another server's or user's machines are not gone because we begin with nothing. */
function nothingYet(): Failure {
  return new Failure('config', 'No machine was ever made in this place', {
    advice: 'Machines that another user or server made are listed there; nothing counts as gone',
  });
}

function damaged(ids: readonly string[]): Failure {
  return new Failure('upstream', `The files of the machines ${ids.join(', ')} are damaged`, {
    advice: 'Mend or remove them; until then no machine can be proved missing',
  });
}

/** Changed under a running guest, its network would be another one than everybody believes. */
function otherHardware({ remoteId, name, power: state }: Machine): Failure {
  return new Failure(
    'conflict',
    `Machine ${remoteId} of ${name} is ${state} with other NICs, CPUs or memory than it should have`,
    { advice: state === 'saved' ? 'Resume it on its old network, or delete it' : 'Stop it first' },
  );
}
