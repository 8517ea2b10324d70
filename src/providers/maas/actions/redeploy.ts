import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { Failure, reworded, statusOf } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { allocate, checkAllowed } from '../machine/allocate.ts';
import { markFor, markOf, writeMarkOn } from '../machine/annotations.ts';
import { deploy } from '../machine/deploy.ts';
import { wasAdopted } from '../machine/events.ts';
import { findForChange, unfinished } from '../machine/find.ts';
import { type Found, isBuilt } from '../machine/match.ts';
import { release } from '../machine/release.ts';
import { missing, nameOf, type Rig, readOne } from '../machine/session.ts';
import { storedIdOf } from '../stored.ts';

/**
 * Installs the instance's machine anew. MAAS installs only what was released before, so that the
 * machine is given back and claimed again; whoever is faster then gets it, and we say so. That is
 * why its disks are erased as at any other release.
 *
 * It is marked as built from the first: a stop meanwhile must not give the machine away.
 */
export async function redeploy(
  rig: Rig,
  instance: Instance,
  blueprint: Blueprint,
  series: string | undefined,
): Promise<Outcome> {
  const { machine, origin } = await reclaim(rig, instance, blueprint);
  const mark = markFor(rig, instance, machine.system_id, 'built');
  const marked = await writeMarkOn(rig, machine, { ...mark, origin });
  const plan = series === undefined ? blueprint : { ...blueprint, distro_series: series };
  try {
    await deploy(rig, instance, marked, plan);
  } catch (thrown) {
    throw thrown instanceof Failure ? withoutSystem(thrown) : thrown;
  }
  return { message: 'The instance was installed anew' };
}

interface Reclaimed {
  readonly machine: Machine;
  /** One that was taken over stays that, whatever is installed on it: delete only lets it go. */
  readonly origin: Mark['origin'];
}

/** The instance's machine, allocated to it and with nothing under way. */
async function reclaim(rig: Rig, instance: Instance, blueprint: Blueprint): Promise<Reclaimed> {
  const found = await findForChange(rig, instance);
  if (found.kind === 'claims') {
    return withOrigin(rig, instance, unmarkedClaim(instance, found.claims));
  }
  const current = currentIn(found);
  if (current === undefined) {
    return withOrigin(rig, instance, await claimAgain(rig, instance, blueprint));
  }
  const { machine, origin } = current;
  await release(rig, instance, machine, {
    why: `${instance.name} is installed anew`,
    ...(origin === 'adopted' ? { adoptedFor: instance.uuid } : {}),
  });
  await waitReady(rig, machine.system_id);
  try {
    const again = await allocate(rig, instance, { system_id: machine.system_id });
    return { machine: again, origin };
  } catch (thrown) {
    throw statusOf(thrown) === 409 ? takenAway(instance, machine, thrown) : thrown;
  }
}

/** The mark went with the release of an earlier redeployment, whose comment still tells. */
async function withOrigin(rig: Rig, { uuid }: Instance, machine: Machine): Promise<Reclaimed> {
  const adopted = await wasAdopted(rig, machine.system_id, uuid);
  return { machine, origin: adopted ? 'adopted' : 'created' };
}

/** What a killed redeployment had claimed again; a machine marked as `building` is create's. */
function unmarkedClaim(instance: Instance, claims: readonly Machine[]): Machine {
  const [claim] = claims;
  const ours = claim?.status === status.allocated && markOf(claim) === undefined;
  if (claim !== undefined && ours) return claim;
  throw unfinished(instance);
}

function currentIn(found: Found): Reclaimed | undefined {
  if (found.kind === 'built') return { machine: found.machine, origin: found.mark.origin };
  const leaving = found.kind === 'leaving' ? found.machines : [];
  return leaving.flatMap((machine) => {
    const mark = markOf(machine);
    return isBuilt(mark) ? [{ machine, origin: mark.origin }] : [];
  })[0];
}

/** An earlier redeployment was killed after it had given the machine back. */
function claimAgain(rig: Rig, instance: Instance, { pool, zone }: Blueprint): Promise<Machine> {
  const storedId = storedIdOf(instance);
  if (storedId === undefined) throw missing(instance);
  // Whether it was chosen or asked for, only details say, which a tenant can write.
  checkAllowed(rig, instance, storedId);
  const { require_tags: tags = [], exclude_tags: not_tags = [] } = rig.settings;
  return allocate(rig, instance, { system_id: storedId, pool, zone, tags, not_tags });
}

function takenAway({ name }: Instance, machine: Machine, cause: unknown): Failure {
  const text = `${nameOf(machine)} of ${name} was given back to be installed anew, and somebody else was faster to claim it`;
  return new Failure('conflict', text, {
    cause,
    advice: `${name} has no machine now: destroy it, or run Redeploy again when the machine is free`,
    tenant: 'The machine of this instance went to somebody else; it has none now',
  });
}

async function waitReady(rig: Rig, systemId: string): Promise<void> {
  const what = `waiting for machine ${systemId} to be given back`;
  const look = async (): Promise<true | undefined> => {
    const machine = await readOne(rig, systemId, { patienceMs: 60_000 });
    if (isStuck(machine.status)) {
      throw new Failure('upstream', `${nameOf(machine)} is stuck: it is "${machine.status_name}"`, {
        advice: 'Look at its BMC and its events in MAAS, then run Redeploy again',
      });
    }
    return isLeaving(machine.status) ? undefined : true;
  };
  await poll(rig.context.deadline, what, look, { firstMs: 50, mostMs: 5_000 });
}

/** The machine is kept, since it is the instance's whatever is on it. */
function withoutSystem(failure: Failure): Failure {
  return reworded(failure, {
    advice: `The instance has no system now: run Redeploy again. ${failure.advice ?? ''}`.trim(),
    tenant: 'The instance could not be installed anew; it has no system until that succeeds',
  });
}
