import type { Deadline } from '../../../contract/context.ts';
import type { Machine as Listed, Mark, State } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import type { Client } from '../api/client.ts';
import {
  affects,
  allPowers,
  type Domain,
  findDomain,
  hasManagedSave,
  listDomains,
  type Power,
  powerOf,
  readMetadata,
  unless,
  withManagedSave,
  writeMetadata,
} from '../api/domains.ts';
import { hasCode } from '../api/errors.ts';
import { bareText, elementFor, markElement, markIn, uris } from './marks.ts';

/** A domain, as the rules of ownership look at it, with what libvirt says of it beside. */
export interface Machine extends Listed {
  readonly domain: Domain;
  readonly power: Power;
  /** Its memory is saved to disk. */
  readonly saved: boolean;
  /** The element with the mark as it was read. */
  readonly markXml: string | undefined;
}

/** The numbers that libvirt has for states, and for reasons of a pause. */
const states = { running: 1, blocked: 2, paused: 3, shuttingDown: 4, off: 5, asleep: 7 } as const;
const troubles: Readonly<Record<number, string>> = {
  5: 'an I/O error on a disk halted it',
  6: 'its watchdog halted it',
  10: 'its system has crashed',
};
const startingUp = 11;

export function stateOf({ power: { state }, saved }: Pick<Machine, 'power' | 'saved'>): State {
  if (state === states.off) return saved ? 'saved' : 'off';
  if (state === states.paused || state === states.asleep) return 'paused';
  const isUp = [states.running, states.blocked, states.shuttingDown].some((each) => each === state);
  return isUp ? 'on' : 'unknown';
}

/** The reason for which libvirt has halted the guest by itself. */
export function troubleOf({ power: { state, reason } }: Machine): string | undefined {
  return state === states.paused ? troubles[reason] : undefined;
}

export function isStartingUp({ power: { state, reason } }: Machine): boolean {
  return state === states.paused && reason === startingUp;
}

export function isAsleep({ power: { state } }: Machine): boolean {
  return state === states.asleep;
}

/** All domains of the host, in three steps however many there are. */
export async function listMachines(
  client: Client,
  deadline: Deadline,
): Promise<readonly Machine[]> {
  const ask = { what: 'list the domains', deadline };
  const [all, saved, powers] = await Promise.all([
    listDomains(client, 0, ask),
    listDomains(client, withManagedSave, ask),
    allPowers(client, ask),
  ]);
  const savedOnes = new Set(saved.map(({ uuid }) => uuid));
  const found = await Promise.all(
    all.map((domain) => {
      const power = powers.get(domain.uuid) ?? powerOf(client, domain, deadline);
      return unless(
        readMachine(client, { domain, power, saved: savedOnes.has(domain.uuid) }, deadline),
        'noDomain',
      );
    }),
  );
  return found.filter((machine) => machine !== undefined);
}

interface Facts {
  readonly domain: Domain;
  readonly power: Power | Promise<Power>;
  readonly saved: boolean | Promise<boolean>;
}

async function readMachine(client: Client, facts: Facts, deadline: Deadline): Promise<Machine> {
  const { domain } = facts;
  const [power, saved, markXml] = await Promise.all([
    facts.power,
    facts.saved,
    readMetadata(client, domain, uris.mark, deadline),
  ]);
  const { name, uuid: remoteId } = domain;
  const machine = { remoteId, name, mark: markIn(markXml), domain, power, saved, markXml };
  if (!isBuilding(machine)) return machine;
  const removing = await readMetadata(client, domain, uris.removing, deadline);
  // The call that announced the removal may have ended since: the next one goes on with it.
  return removing === undefined ? machine : { ...machine, leaving: true, stuck: true };
}

/** The machine as it is now; `undefined` where there is none with this UUID. */
export async function findMachine(
  client: Client,
  uuid: string,
  deadline: Deadline,
): Promise<Machine | undefined> {
  const domain = await findDomain(client, uuid, deadline);
  if (domain === undefined) return undefined;
  const power = powerOf(client, domain, deadline);
  const saved = hasManagedSave(client, domain, deadline);
  return unless(readMachine(client, { domain, power, saved }, deadline), 'noDomain');
}

/** The machine as it is after a change, or a failure that says that it is gone. */
export async function reread(client: Client, uuid: string, deadline: Deadline): Promise<Machine> {
  const now = await findMachine(client, uuid, deadline);
  if (now !== undefined) return now;
  throw new Failure('not-found', `libvirt has no domain ${uuid} any more`, {
    reason: 'taken-away',
  });
}

export function isOff(machine: Machine): boolean {
  return machine.power.state === states.off;
}

/**
 * Writes the mark over the one that the machine was read with; `lost` where another call has written one
 * since, or removes the machine. libvirt cannot compare and set: the call that finishes a machine and the
 * one that removes it each write first and look for the other's word then, so that never both go on.
 */
export async function writeMachineMark(
  client: Client,
  machine: Machine,
  mark: Mark | undefined,
  deadline: Deadline,
): Promise<Machine | 'lost'> {
  const { remoteId } = machine;
  const now = await findMachine(client, remoteId, deadline);
  if (now === undefined || now.markXml !== machine.markXml) return 'lost';
  const xml = mark === undefined ? undefined : bareText(markElement(mark));
  await writeEverywhere(client, now, uris.mark, xml, deadline);
  if (await isBeingRemoved(client, machine, deadline)) return 'lost';
  return reread(client, remoteId, deadline);
}

const removalMs = 5000;

/** Another call that removes the machine sees the new mark, unless it looked before: then it goes on. */
async function isBeingRemoved(
  client: Client,
  machine: Machine,
  deadline: Deadline,
): Promise<boolean> {
  const endMs = deadline.remainingMs() - removalMs;
  for (;;) {
    const now = await findDomain(client, machine.remoteId, deadline);
    if (now === undefined) return true;
    const announced = await unless(readMetadata(client, now, uris.removing, deadline), 'noDomain');
    if (announced === undefined) return false;
    if (deadline.remainingMs() <= endMs) return true;
    await deadline.sleep(50, `waiting for the removal of ${machine.remoteId}`);
  }
}

/** Announces the removal of an unfinished machine; `false` when another call has finished it. */
export async function claimRemoval(
  client: Client,
  machine: Machine,
  deadline: Deadline,
): Promise<boolean> {
  const { remoteId } = machine;
  const before = await findMachine(client, remoteId, deadline);
  if (before === undefined) return true;
  const announced = bareText(elementFor('removing'));
  await writeEverywhere(client, before, uris.removing, announced, deadline);
  const now = await findMachine(client, remoteId, deadline);
  if (now === undefined || isBuilding(now)) return true;
  await writeEverywhere(client, now, uris.removing, undefined, deadline);
  return false;
}

const mostWrites = 5;

/** Writes into the lasting description, and into the one of the running guest if there is one. */
export async function writeEverywhere(
  client: Client,
  machine: Pick<Machine, 'remoteId' | 'power' | 'domain'>,
  uri: string,
  xml: string | undefined,
  deadline: Deadline,
): Promise<void> {
  let { power } = machine;
  for (let write = 1; ; write += 1) {
    const live = power.state === states.off ? 0 : affects.live;
    try {
      const flags = affects.config + live;
      return await writeMetadata(client, machine.domain, { uri, xml, flags }, deadline);
    } catch (thrown) {
      // The guest has gone down or up since.
      if (!hasCode(thrown, 'operationInvalid') || write === mostWrites) throw thrown;
      power = await powerOf(client, machine.domain, deadline);
    }
  }
}
