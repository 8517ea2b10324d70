import type { Deadline } from '../../../contract/context.ts';
import type { Plan } from '../../../contract/driver.ts';
import { isKind } from '../../../failure.ts';
import { poll, pollFor } from '../../../kit/poll.ts';
import { writeTree } from '../../../kit/xml/tree.ts';
import { affects, defineDomain, order, writeMetadata } from '../api/domains.ts';
import { hasCode } from '../api/errors.ts';
import { withSeed } from '../guest/seed.ts';
import type { Blueprint } from '../settings.ts';
import { brought, fits, readDescription } from './hardware.ts';
import { isAsleep, isOff, isStartingUp, type Machine, reread, stateOf } from './machines.ts';
import { bareText, markElement, uris } from './marks.ts';
import { switchOff } from './remove.ts';
import type { Session } from './session.ts';

/** Brings the hardware up to date and switches on; another call for the instance may do so as well. */
export async function powerOn(
  session: Session,
  machine: Machine,
  plan: Plan<Partial<Blueprint>>,
): Promise<Machine> {
  const { client } = session;
  const { deadline } = plan;
  const defined = await bringHardware(session, machine, plan);
  try {
    await order(client, machine.domain, 'start', deadline);
  } catch (thrown) {
    if (!hasCode(thrown, 'operationInvalid')) throw thrown;
    const now = await untilStarted(session, machine, deadline);
    if (isOff(now)) throw thrown;
    if (defined) await keepMark(session, now, deadline);
  }
  return untilStarted(session, machine, deadline);
}

/** Whether the lasting description had to be changed. */
async function bringHardware(
  session: Session,
  machine: Machine,
  plan: Plan<Partial<Blueprint>>,
): Promise<boolean> {
  const { client, settings } = session;
  const { instance, deadline } = plan;
  const description = await readDescription(session, machine, 'whenOff', deadline);
  const seeded = await withSeed(session, machine, description, plan);
  if (seeded === description && fits(description, instance, settings)) return false;
  // An upload takes seconds, in which another call may have attached a disk: its description comes first.
  const now = await readDescription(session, machine, 'whenOff', deadline);
  if (writeTree(now) !== writeTree(description)) return bringHardware(session, machine, plan);
  const xml = writeTree(brought(seeded, instance, settings));
  await defineDomain(client, xml, { what: `change the hardware of ${instance.name}`, deadline });
  return true;
}

/** Another call has started and marked the machine before our description was written over its mark. */
async function keepMark(
  { client }: Session,
  { domain, mark }: Machine,
  deadline: Deadline,
): Promise<void> {
  if (typeof mark !== 'object') return;
  const written = { uri: uris.mark, xml: bareText(markElement(mark)), flags: affects.config };
  await writeMetadata(client, domain, written, deadline);
}

/** libvirt shows a guest as paused while its process is being started. */
async function untilStarted(
  { client }: Session,
  { remoteId }: Machine,
  deadline: Deadline,
): Promise<Machine> {
  return poll(deadline, `waiting for the start of ${remoteId}`, async () => {
    const now = await reread(client, remoteId, deadline);
    return isStartingUp(now) ? undefined : now;
  });
}

export async function resume(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<Machine> {
  const { client } = session;
  const now = await untilStarted(session, machine, deadline);
  if (stateOf(now) === 'on') return now;
  if (isOff(now)) {
    // Memory that is saved to disk goes on with a start.
    await order(client, now.domain, 'start', deadline);
  } else await order(client, now.domain, isAsleep(now) ? 'wakeUp' : 'resume', deadline);
  return reread(client, machine.remoteId, deadline);
}

export async function suspend(
  { client }: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<void> {
  await order(client, machine.domain, 'suspend', deadline);
}

/** A guest that is still booting overlooks its power button. */
const askAgainMs = 3000;

/** Whether the guest went down by itself: libvirt only hands the question on to it. */
export async function shutDown(
  session: Session,
  { domain, remoteId }: Machine,
  deadline: Deadline,
  ms: number,
): Promise<boolean> {
  const { client } = session;
  const wait = { ms, what: `waiting for ${domain.name} to shut down` };
  let askedMs = Number.POSITIVE_INFINITY;
  return pollFor(deadline, wait, async () => {
    if (isOff(await reread(client, remoteId, deadline))) return true;
    if (askedMs - deadline.remainingMs() >= askAgainMs) {
      askedMs = deadline.remainingMs();
      await askToShutDown(session, domain, deadline);
    }
    return false;
  });
}

async function askToShutDown(
  { client }: Session,
  domain: Machine['domain'],
  deadline: Deadline,
): Promise<void> {
  try {
    await order(client, domain, 'shutdown', deadline);
  } catch (thrown) {
    // The guest is down, or libvirt is busy with it.
    if (!isKind(thrown, 'conflict', 'upstream')) throw thrown;
  }
}

export async function cutPower(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<Machine> {
  await switchOff(session, machine, deadline);
  return reread(session.client, machine.remoteId, deadline);
}

/** The guest is asked first, as the operator's grace allows; one that does not listen loses its power. */
export async function restart(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<void> {
  const { client, settings } = session;
  const ms = Math.min(settings.grace_seconds * 1000, deadline.remainingMs() / 3);
  const asked = stateOf(machine) === 'on' && ms >= 1;
  const down = asked && (await shutDown(session, machine, deadline, ms));
  if (!down) await switchOff(session, machine, deadline);
  await order(client, machine.domain, 'start', deadline);
}
