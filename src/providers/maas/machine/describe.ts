import type { RemoteMachine } from '../../../contract/machine.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine, Me } from '../api/wire.ts';
import { leftBy, markOf } from './annotations.ts';
import { claimedFor } from './events.ts';
import type { Leftover, Seen } from './match.ts';
import { readOne, type Session } from './session.ts';

/** A machine of an inventory for `audit`. */
export function describe(one: Seen): RemoteMachine {
  const { machine, mark, inventory } = one;
  const leftover = inventory?.leftover;
  const remarks = [...(leftover?.remarks ?? []), ...remarksOn(one)];
  return {
    remoteId: machine.system_id,
    name: machine.hostname,
    power: inventory?.power ?? 'unknown',
    mark,
    // Iron is what it is: these tell whose a machine may be, and differ from an instance's for good.
    ...(mark === undefined ? hardware(machine) : {}),
    ...(one.leaving || one.disowned !== undefined ? { givenBack: true } : {}),
    ...(leftover === undefined ? {} : { leftover: true }),
    ...(remarks.length === 0 ? {} : { remarks }),
  };
}

function hardware(machine: Machine): Pick<RemoteMachine, 'cpus' | 'memoryBytes' | 'nics'> {
  return {
    cpus: machine.cpu_count,
    memoryBytes: machine.memory * 2 ** 20,
    nics: machine.interface_set.map(({ mac_address }) => ({ mac: mac_address.toLowerCase() })),
  };
}

function remarksOn({ machine, mark, disowned, stuck = false }: Seen): readonly string[] {
  const { status: now, status_name: word, error_description: error, locked } = machine;
  const what = error === '' ? word : `${word} (${error})`;
  const unusual = mark !== undefined && !isUsual(now) && !stuck && disowned === undefined;
  return [
    ...(disowned === undefined
      ? []
      : [`${what}: it carries the mark, but ${disowned}; nothing is done to it for the instance`]),
    ...(stuck
      ? [
          `${what}: it was released, and its disks may still hold data; release it again in MAAS, with erasing`,
        ]
      : []),
    ...(unusual ? [what] : []),
    ...(locked ? ['locked'] : []),
  ];
}

/** Stages of a create or a delete, which say nothing as long as they last. */
function isUsual(now: number): boolean {
  const stages: readonly number[] = [status.allocated, status.deploying, status.deployed];
  return stages.includes(now) || isLeaving(now);
}

/** The mark follows a claim at once: after this long it never will. */
const markMs = 1_000;

/**
 * Whether an unmarked machine is what a killed call has left: claimed by the key's user and in no
 * use. MAAS's own record says for which instance; a user who works for others needs that proof.
 */
export async function leftoverOf(
  session: Session,
  { username }: Me,
  machine: Machine,
): Promise<Leftover | undefined> {
  if (machine.owner !== username || !isUnmarked(machine)) return undefined;
  const instance = await claimedFor(session, machine.system_id);
  if (instance === undefined && session.settings.shared_user) return undefined;
  if (isStuck(machine.status)) return { remarks: [] };
  if (!(await isStillSo(session, machine))) return undefined;
  const whom = instance === undefined ? 'for no instance that is known' : `for ${instance}`;
  const stop = instance === undefined ? '' : `stop ${instance}, which gives it back, or `;
  return { remarks: [`it was claimed ${whom} and never marked: ${stop}release it in MAAS`] };
}

function isUnmarked(machine: Machine): boolean {
  const { status: now } = machine;
  if (markOf(machine) !== undefined || leftBy(machine) !== undefined) return false;
  const stages: readonly number[] = [status.allocated, status.deploying, status.failedDeployment];
  return stages.includes(now) || isStuck(now);
}

/** A claim of this very moment has its mark a moment later. */
async function isStillSo(session: Session, { system_id }: Machine): Promise<boolean> {
  await session.deadline.sleep(markMs, `waiting for the mark of machine ${system_id}`);
  return isUnmarked(await readOne(session, system_id));
}
