import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice, Mark } from '../../../contract/machine.ts';
import { Failure, reworded, statusOf } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { missing, unfinished } from '../../../lifecycle/refusals.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { allocate, checkAllowed } from '../machine/allocate.ts';
import { markOf, writeMarkOn } from '../machine/annotations.ts';
import { deploy } from '../machine/deploy.ts';
import { wasAdopted } from '../machine/events.ts';
import { careFor, findCertain } from '../machine/find.ts';
import { checkImage } from '../machine/images.ts';
import { markFor, type Seen } from '../machine/match.ts';
import { release } from '../machine/release.ts';
import { nameOf, readOne, type Session } from '../machine/session.ts';
import { storedIdOf } from '../stored.ts';

/**
 * Installs the instance's machine anew. MAAS installs only what was released before, so that the
 * machine is released and claimed again; another user who is faster then gets it, and the action fails
 * with that reason. The release therefore erases its disks like any other one.
 *
 * It is marked as built from the first: a stop meanwhile must not release the machine.
 */
export async function redeploy(
  session: Session,
  instance: Instance,
  blueprint: Blueprint,
): Promise<Outcome> {
  const { machine, origin } = await reclaim(session, instance, blueprint);
  const mark = markFor(instance, session.installation, machine.system_id, 'built');
  const marked = await writeMarkOn(session, machine, { ...mark, origin });
  try {
    await deploy(session, instance, marked, blueprint);
  } catch (thrown) {
    throw thrown instanceof Failure ? withoutSystem(thrown) : thrown;
  }
  return { message: 'The instance was installed anew' };
}

interface Reclaimed {
  readonly machine: Machine;
  /** An adopted machine stays adopted after the installation: delete unmarks it and never erases it. */
  readonly origin: Mark['origin'];
}

/** The instance's machine, allocated to it and with nothing under way. */
async function reclaim(
  session: Session,
  instance: Instance,
  blueprint: Blueprint,
): Promise<Reclaimed> {
  const choice = await findCertain(session, instance, careFor.change);
  if (choice.kind === 'own' && isBuilding(choice.machine)) {
    return withOrigin(session, instance, unmarkedClaim(instance, choice.machine));
  }
  const current = currentIn(choice);
  if (current === undefined) {
    return withOrigin(session, instance, await claimAgain(session, instance, blueprint));
  }
  await checkImage(session, instance, current.machine, blueprint);
  return releaseAndClaim(session, instance, current);
}

async function releaseAndClaim(
  session: Session,
  instance: Instance,
  { machine, origin }: Reclaimed,
): Promise<Reclaimed> {
  const { system_id } = machine;
  await release(session, instance, machine, {
    why: `${instance.name} is installed anew`,
    ...(origin === 'adopted' ? { adoptedFor: instance.uuid } : {}),
  });
  await waitReady(session, system_id);
  try {
    return { machine: await allocate(session, instance, { system_id }), origin };
  } catch (thrown) {
    throw statusOf(thrown) === 409 ? takenAway(instance, machine, thrown) : thrown;
  }
}

/** The mark went with the release of an earlier redeployment, whose comment still tells. */
async function withOrigin(
  session: Session,
  { uuid }: Instance,
  machine: Machine,
): Promise<Reclaimed> {
  const adopted = await wasAdopted(session, machine.system_id, uuid);
  return { machine, origin: adopted ? 'adopted' : 'created' };
}

/** A machine that a killed redeployment had claimed again; one marked as `building` is create's. */
function unmarkedClaim(instance: Instance, claim: Seen): Machine {
  const { machine } = claim;
  if (machine.status === status.allocated && markOf(machine) === undefined) return machine;
  throw unfinished(claim, instance);
}

function currentIn(choice: Choice<Seen>): Reclaimed | undefined {
  const machines = choice.kind === 'leaving' ? choice.machines : [];
  const own = choice.kind === 'own' ? [choice.machine] : machines;
  return own.flatMap(({ machine, mark }) =>
    typeof mark === 'object' && mark.state === 'built' ? [{ machine, origin: mark.origin }] : [],
  )[0];
}

/** An earlier redeployment was killed after it had given the machine back. */
function claimAgain(
  session: Session,
  instance: Instance,
  { pool, zone }: Blueprint,
): Promise<Machine> {
  const storedId = storedIdOf(instance);
  if (storedId === undefined) throw missing(instance);
  // Whether it was chosen or asked for, only details say, which a tenant can write.
  checkAllowed(session, instance, storedId);
  const { require_tags: tags = [], exclude_tags: not_tags = [] } = session.settings;
  return allocate(session, instance, { system_id: storedId, pool, zone, tags, not_tags });
}

function takenAway({ name }: Instance, machine: Machine, cause: unknown): Failure {
  const text = `${nameOf(machine)} of ${name} was released to be installed anew, and another user of MAAS was faster to claim it`;
  return new Failure('conflict', text, {
    cause,
    advice: `${name} has no machine now: run Redeploy again when the machine is free, or take External:maas_system_id off ${name} and destroy it`,
    tenant: 'The machine of this instance went to another user; it has none now',
  });
}

async function waitReady(session: Session, systemId: string): Promise<void> {
  const what = `waiting for machine ${systemId} to be released`;
  const look = async (): Promise<true | undefined> => {
    const machine = await readOne(session, systemId, { busyTimeoutMs: 60_000 });
    if (isStuck(machine.status)) {
      throw new Failure('upstream', `${nameOf(machine)} is stuck: it is "${machine.status_name}"`, {
        advice: 'Look at its BMC and its events in MAAS, then run Redeploy again',
      });
    }
    return isLeaving(machine.status) ? undefined : true;
  };
  await poll(session.deadline, what, look, { firstMs: 50, mostMs: 5_000 });
}

/** The machine is kept, since it stays the instance's also without a system. */
function withoutSystem(failure: Failure): Failure {
  return reworded(failure, {
    advice: `The instance has no system now: run Redeploy again. ${failure.advice ?? ''}`.trim(),
    tenant: 'The instance could not be installed anew; it has no system until that succeeds',
  });
}
