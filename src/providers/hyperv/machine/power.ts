import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import type { PowerCommand } from '../api/command.ts';
import * as changing from '../api/commands/changing.ts';
import * as reading from '../api/commands/reading.ts';
import { isFromPowerShell, isLost } from '../api/trouble.ts';
import { type HostMachine, isGone, nameOf, ownOf } from './list.ts';
import { ask, type Session } from './session.ts';
import { isOff, isRunning, isSaved } from './state.ts';

/** Ends with the machine off, without asking its guest; memory that is saved is thrown away. */
export async function cutPower(session: Session, machine: HostMachine): Promise<HostMachine> {
  const { state } = machine.listed;
  if (isSaved(state)) await changePower(session, machine, 'forget', isOff);
  else if (!isOff(state)) await changePower(session, machine, 'cut', isOff);
  return withState(machine, 'Off');
}

/** Lets a machine go on that is paused or saved. */
export async function resume(session: Session, machine: HostMachine): Promise<HostMachine> {
  const paused = machine.listed.state.startsWith('Paused');
  await changePower(session, machine, paused ? 'resume' : 'start', isRunning);
  return withState(machine, 'Running');
}

export function withState(machine: HostMachine, state: string): HostMachine {
  return { ...machine, listed: { ...machine.listed, state } };
}

/** Asks the guest to shut down and starts it again, or resets it where it does not listen. */
export async function restart(session: Session, machine: HostMachine): Promise<void> {
  const { grace_seconds: grace } = session.settings;
  const ms = Math.min(grace * 1000, session.deadline.remainingMs() / 2);
  if (await shutDown(session, machine, ms)) {
    return changePower(session, machine, 'start', isRunning);
  }
  try {
    await changePower(session, machine, 'reset', isRunning);
  } catch (thrown) {
    // A guest that only needed longer than its shutdown timeout must not be left without power.
    if (!isOff(await readState(session, machine.remoteId))) throw thrown;
    await changePower(session, machine, 'start', isRunning);
  }
}

/** Whether the guest shut down within the time; only one that runs can be asked. */
export async function shutDown(
  session: Session,
  machine: HostMachine,
  ms: number,
): Promise<boolean> {
  if (!isRunning(machine.listed.state) || ms <= 0) return false;
  const startedMs = performance.now();
  const leftMs = (): number => Math.max(0, ms - (performance.now() - startedMs));
  const asked = await askGuest(session, machine);
  for (let pauseMs = 50; asked && leftMs() > 0; pauseMs *= 1.5) {
    if (isOff(await readState(session, machine.remoteId))) return true;
    const restMs = Math.min(pauseMs, 1000, leftMs());
    await session.deadline.sleep(restMs, 'waiting for the guest to shut down');
  }
  return isOff(await readState(session, machine.remoteId));
}

/** A guest that was perhaps asked is watched as one that was. */
async function askGuest(session: Session, machine: HostMachine): Promise<boolean> {
  try {
    // Asked twice, a guest that is on its way down would seem to refuse.
    const given = { ...ownOf(machine), order: 'ask' } as const;
    return (await ask(session, changing.power, given, { once: true })).asked;
  } catch (thrown) {
    if (isFromPowerShell(thrown)) return false;
    if (isLost(thrown)) return true;
    throw thrown;
  }
}

/**
 * Gives a command about the power and waits until the machine is in the state wanted. An error of
 * Hyper-V's alone proves nothing: the state decides.
 */
export async function changePower(
  session: Session,
  machine: HostMachine,
  order: PowerCommand,
  reached: (state: string) => boolean,
): Promise<void> {
  const name = nameOf(machine);
  let refusal: unknown;
  try {
    await ask(session, changing.power, { ...ownOf(machine), order });
  } catch (thrown) {
    if (!isFromPowerShell(thrown)) throw thrown;
    refusal = thrown;
  }
  await poll(session.deadline, `waiting for ${name} after "${order}"`, async () => {
    const state = await readState(session, machine.remoteId);
    if (reached(state)) return true;
    if (refusal !== undefined && !isOnItsWay(state)) throw refusal;
    if (state === '' && (await isGone(session, machine.remoteId))) {
      throw new Failure('not-found', `${name} vanished after "${order}"`);
    }
    return undefined;
  });
}

async function readState(session: Session, id: string): Promise<string> {
  return (await ask(session, reading.state, { id })).state;
}

function isOnItsWay(state: string): boolean {
  return /^(Starting|Stopping|Saving|Pausing|Resuming|Reset|FastSaving)/.test(state);
}
