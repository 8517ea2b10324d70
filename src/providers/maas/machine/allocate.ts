import type { Instance, SizedInstance } from '../../../contract/instance.ts';
import { expectFailure, Failure, reworded, statusOf } from '../../../failure.ts';
import { matchesAny } from '../../../kit/fields.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { isUncertain } from '../api/remote-error.ts';
import { type Machine, readMachine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { claimComment } from './events.ts';
import { claimsOf } from './find.ts';
import type { Session } from './session.ts';

/** The machine that was asked for by name, rather than chosen by an earlier prepare. */
export function pinOf(
  session: Session,
  instance: Instance,
  { maas_system_id: asked }: Pick<Blueprint, 'maas_system_id'>,
): string | undefined {
  const { stored } = instance;
  if (asked === undefined || asked === stored['External:maas_chosen']) return undefined;
  checkAllowed(session, instance, asked);
  return asked;
}

/** Fails for a machine that the operator keeps from being asked for. */
export function checkAllowed({ settings }: Session, { name }: Instance, systemId: string): void {
  const { allowed_machines: allowed } = settings;
  if (allowed === undefined || matchesAny(systemId, allowed)) return;
  const text = `${name} asks for machine ${systemId}, which "allowed_machines" does not name`;
  throw new Failure('denied', text, {
    tenant: 'The machine that is asked for with maas_system_id is not allowed',
  });
}

/** Whether the operator's pools and tags let instances have the machine. */
export function mayBeClaimed(
  { settings }: Pick<Session, 'settings'>,
  { pool, tag_names: tags }: Machine,
): boolean {
  const { allowed_pools: pools, require_tags: must = [], exclude_tags: not = [] } = settings;
  if (pools !== undefined && !matchesAny(pool?.name ?? '', pools)) return false;
  return must.every((tag) => tags.includes(tag)) && !not.some((tag) => tags.includes(tag));
}

/** The constraints that a machine has to meet, in MAAS's own words. */
export function constraints(
  { settings }: Session,
  { cpus, memoryBytes }: SizedInstance,
  blueprint: Blueprint,
): Pairs {
  const { pool, zone, architecture: arch, storage } = blueprint;
  const size = settings.match_offering
    ? { cpu_count: cpus, mem: Math.floor(memoryBytes / 2 ** 20) }
    : {};
  return {
    ...{ pool, zone, arch, storage, ...size },
    tags: union(settings.require_tags, blueprint.tags),
    not_tags: union(settings.exclude_tags, blueprint.not_tags),
  };
}

/** A region that is being restarted is asked so often; each time waits until it can be read again. */
const mostTries = 3;

/**
 * MAAS chooses and claims under one lock. Of a lost answer it is known by the agent name whether
 * it was a yes.
 */
export async function allocate(
  session: Session,
  instance: Instance,
  form: Pairs,
): Promise<Machine> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await allocateOnce(session, instance, form);
    } catch (thrown) {
      // The proxy did not reach MAAS, and no machine was claimed.
      if (statusOf(thrown) !== 502 || turn === mostTries) throw thrown;
    }
    await session.deadline.sleep(1_000, `waiting for MAAS to find a machine for ${instance.name}`);
  }
}

async function allocateOnce(session: Session, instance: Instance, form: Pairs): Promise<Machine> {
  const ask = {
    what: `find a machine for ${instance.name}`,
    query: { op: 'allocate' },
    form: { ...form, agent_name: instance.uuid, comment: claimComment(instance.name) },
    deadline: session.deadline,
    busyTimeoutMs: 60_000,
  };
  try {
    return readMachine((await session.client.post('/machines/', ask)).json());
  } catch (thrown) {
    if (statusOf(thrown) === 409) throw noneLeft(expectFailure(thrown), instance);
    if (!isUncertain(thrown)) throw thrown;
    const late = { ...session, deadline: session.deadline.forUndo() };
    const [machine] = await claimsOf(late, instance);
    if (machine === undefined) throw thrown;
    return machine;
  }
}

function noneLeft(failure: Failure, { name }: Instance): Failure {
  return reworded(failure, {
    message: `No machine of MAAS is free and fit for ${name}: ${failure.message}`,
    advice:
      'Custom action ListMachines, or the machines page of MAAS, shows which are Ready; size, pool, zone, tags, architecture and storage have to fit',
    tenant: 'No machine that fits is free',
  });
}

function union(...lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}
