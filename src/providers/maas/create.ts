import { Failure } from '../../failure.ts';
import { withUndo } from '../../kit/undo.ts';
import type { Preparation, SizedInstance } from '../../provider.ts';
import { pinOf } from './allocate.ts';
import { isLeavingUnfinished, markFor, markOf, writeMarkOn } from './annotations.ts';
import type { Blueprint } from './blueprint.ts';
import { claim } from './claim.ts';
import { consoleOf } from './console.ts';
import { deploy } from './deploy.ts';
import { blameOf } from './deploy-failures.ts';
import { claimsOf, findForChange } from './find.ts';
import { hostnameOf } from './hostname.ts';
import { matchInterfaces } from './interfaces.ts';
import { giveBack } from './lifecycle.ts';
import type { Blame } from './memory.ts';
import type { Plan } from './order.ts';
import { releaseUnfinished } from './release.ts';
import { nameOf, type Rig, rigUntil } from './rig.ts';
import { status } from './statuses.ts';
import { powerOn } from './switching.ts';
import type { Machine } from './wire.ts';

/** Claims the machine, so that no other instance gets it, and says what CloudStack should know. */
export async function prepare(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Preparation> {
  const pin = pinOf(rig, instance, blueprint);
  const found = await findForChange(rig, instance);
  if (found.kind === 'built') return preparation(rig, instance, found.machine, pin);
  const kept = found.kind === 'claims' ? await settle(rig, instance, found.claims) : undefined;
  const machine = kept ?? (await claim(rig, instance, blueprint));
  const hostname = hostnameOf(rig, instance, machine, blueprint);
  return preparation(rig, instance, { ...machine, hostname }, pin);
}

/** A machine that somebody else releases this soon is one that two calls had claimed. */
const rivalryMs = 30_000;
const mostRounds = 5;

/**
 * Installs the system on the machine that was claimed, or claims one; ends when it runs. After a
 * failure the machine is given back, and remembered if it was to blame.
 */
export async function create(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<void> {
  const { deadline, log } = rig.context;
  for (let round = 1; ; round += 1) {
    const beganMs = deadline.remainingMs();
    try {
      await createOnce(rig, instance, blueprint);
      return;
    } catch (thrown) {
      const failure = Failure.from(thrown);
      const soon = beganMs - deadline.remainingMs() < rivalryMs;
      if (failure.facts['gone'] !== true || !soon || round === mostRounds) throw failure;
      log('create.rivalry', { error: failure.message });
    }
    await deadline.sleep(
      100 + Math.random() * 300,
      `waiting for another call for ${instance.name}`,
    );
  }
}

async function createOnce(rig: Rig, instance: SizedInstance, blueprint: Blueprint): Promise<void> {
  const found = await findForChange(rig, instance);
  if (found.kind === 'built') {
    rig.context.log('create.exists', { machine: found.machine.system_id });
    return powerOn(rig, instance, found.machine);
  }
  const claims = found.kind === 'claims' ? found.claims : [];
  await withUndo(rig.context, async (undo) => {
    const kept = await settle(rig, instance, claims);
    const machine = kept ?? (await claim(rig, instance, blueprint));
    let blame: Blame | undefined;
    undo.add(`give ${nameOf(machine)} back`, (deadline) =>
      takeBack(rigUntil(rig, deadline), instance, machine.system_id, blame),
    );
    try {
      await build(rig, instance, machine, blueprint);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      blame = blameOf(failure);
      throw failure;
    }
  });
}

/** Whatever has become of the machine meanwhile: only while it is the instance's it is released. */
async function takeBack(
  rig: Rig,
  instance: SizedInstance,
  systemId: string,
  blame: Blame | undefined,
): Promise<void> {
  const claims = await claimsOf(rig, instance);
  const machine = claims.find(({ system_id }) => system_id === systemId);
  if (machine === undefined) return;
  await releaseUnfinished(rig, instance, machine, {
    why: `deployment of ${instance.name} failed`,
    ...(blame === undefined ? {} : { blame }),
  });
}

async function build(
  rig: Rig,
  instance: SizedInstance,
  machine: Machine,
  plan: Plan,
): Promise<void> {
  const deployed = await deploy(rig, instance, machine, plan);
  const markAs = (state: 'building' | 'built'): Promise<Machine> =>
    writeMarkOn(rig, deployed, markFor(rig, instance, deployed.system_id, state));
  if (isLeavingUnfinished(await markAs('built'))) {
    await markAs('building');
    throw isTakenAway(instance, deployed);
  }
  rig.context.log('deploy.done', { machine: deployed.system_id, addresses: deployed.ip_addresses });
}

/**
 * Of what earlier calls claimed, the machine to go on with, marked; all others are given back.
 * Machines on which a deployment has failed are never gone on with.
 */
async function settle(
  rig: Rig,
  instance: SizedInstance,
  claims: readonly Machine[],
): Promise<Machine | undefined> {
  const usable = claims.filter((machine) => isUsable(machine));
  const kept = usable.find(({ status: now }) => now !== status.allocated) ?? usable[0];
  for (const machine of claims) {
    if (machine !== kept) await giveBack(rig, instance, machine);
  }
  if (kept === undefined || markOf(kept) !== undefined) return kept;
  return writeMarkOn(rig, kept, markFor(rig, instance, kept.system_id, 'building'));
}

function isUsable(machine: Machine): boolean {
  const { status: now, locked } = machine;
  const fit = now === status.allocated || now === status.deploying || now === status.deployed;
  return fit && !locked && !isLeavingUnfinished(machine);
}

function isTakenAway({ name }: SizedInstance, machine: Machine): Failure {
  return new Failure(
    'conflict',
    `Another call for ${name} has begun to give ${nameOf(machine)} back`,
    { advice: 'Try again when that call has ended' },
  );
}

function preparation(
  rig: Rig,
  instance: SizedInstance,
  machine: Machine,
  pin: string | undefined,
): Preparation {
  const { system_id, hostname } = machine;
  const matches = matchInterfaces(machine, instance, rig.settings);
  const [first] = matches;
  return {
    details: {
      'External:maas_system_id': system_id,
      ...(pin === undefined ? { 'External:maas_chosen': system_id } : {}),
      'External:hostname': hostname,
      'External:console_url': consoleOf(rig, instance, machine),
      ...(first === undefined ? {} : { 'External:mac_address': first.mac }),
    },
    nics: matches.map(({ nicUuid, mac, ip }) => ({
      uuid: nicUuid,
      mac,
      ...(ip === undefined || !rig.settings.hand_back_addresses ? {} : { ipv4: ip }),
    })),
  };
}
