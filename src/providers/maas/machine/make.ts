import type { Making } from '../../../contract/driver.ts';
import type { Instance, SizedInstance } from '../../../contract/instance.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { isLeavingUnfinished, markOf, writeMarkOn } from './annotations.ts';
import { claim } from './claim.ts';
import { deploy } from './deploy.ts';
import { blameOf } from './deploy-failures.ts';
import type { Blame } from './failure-notes.ts';
import { markFor, type Seen, seen } from './match.ts';
import { releaseUnfinished, takeBack } from './release.ts';
import { nameOf, type Session } from './session.ts';

/**
 * Installs the system on the machine that was claimed, or claims one. After a failure the machine is
 * released, and remembered if it was to blame.
 */
export async function make(
  session: Session,
  { instance, blueprint, partials, undo }: Making<Seen, Blueprint>,
): Promise<Seen> {
  const kept = await settle(session, instance, partials);
  const machine = kept ?? (await claim(session, instance, blueprint));
  let blame: Blame | undefined;
  undo.add(`give ${nameOf(machine)} back`, (deadline) =>
    takeBack({ ...session, deadline }, instance, machine, {
      why: `deployment of ${instance.name} failed`,
      ...(blame === undefined ? {} : { blame }),
    }),
  );
  try {
    const deployed = await deploy(session, instance, machine, blueprint);
    const { system_id, ip_addresses: addresses } = deployed;
    session.log('deploy.done', { machine: system_id, addresses });
    return seen(deployed);
  } catch (thrown) {
    blame = blameOf(thrown);
    throw thrown;
  }
}

/**
 * Of what earlier calls claimed, the machine to go on with, marked; all others are released. Machines on
 * which a deployment has failed are never gone on with.
 */
export async function settle(
  session: Session,
  instance: SizedInstance,
  partials: readonly Seen[],
): Promise<Machine | undefined> {
  const claims = partials.filter((each) => each.leaving !== true);
  const usable = claims.filter(({ machine }) => isUsable(machine));
  const kept = usable.find(({ machine }) => machine.status !== status.allocated) ?? usable[0];
  for (const each of claims) {
    if (each !== kept) await releaseUnfinished(session, instance, each);
  }
  return kept === undefined ? undefined : withMark(session, instance, kept.machine);
}

/** A claim of a call that was killed before it could mark it. */
async function withMark(session: Session, instance: Instance, machine: Machine): Promise<Machine> {
  if (markOf(machine) !== undefined) return machine;
  const mark = markFor(instance, session.installation, machine.system_id, 'building');
  return writeMarkOn(session, machine, mark);
}

function isUsable(machine: Machine): boolean {
  const { status: now, locked } = machine;
  const fit = now === status.allocated || now === status.deploying || now === status.deployed;
  return fit && !locked && !isLeavingUnfinished(machine);
}
