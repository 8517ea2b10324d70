import type { Check } from '../../../contract/provider.ts';
import { isOwned, isStuck, status } from '../api/statuses.ts';
import type { Machine, Me } from '../api/wire.ts';
import { mayBeClaimed } from '../machine/allocate.ts';
import { leftBy, markOf } from '../machine/annotations.ts';
import { disownedBy } from '../machine/disowned.ts';
import { listFailures } from '../machine/failures.ts';
import { listMachines, nameOf, type Session } from '../machine/session.ts';
import { readBootSources, readFabrics } from './wire.ts';

export async function checkMachines(session: Session, me: Me): Promise<readonly Check[]> {
  const all = await listMachines(session, {});
  const ours = all.filter((machine) => mayBeClaimed(session, machine));
  const ready = ours.filter((machine) => machine.status === status.ready).length;
  const manual = ours.filter(({ power_type }) => power_type === 'manual' || power_type === '');
  return [
    {
      name: 'machines',
      state: ours.length === 0 ? 'fail' : ready === 0 ? 'warn' : 'ok',
      found: ours.length === 0 ? 'none with these pools and tags' : countByStatus(ours),
      ...(ready === 0 ? { advice: 'Commission or release machines: none can be claimed now' } : {}),
    },
    manual.length === 0
      ? { name: 'power', state: 'ok', found: 'every machine can be switched' }
      : {
          name: 'power',
          state: 'warn',
          found: `cannot be switched: ${someNames(manual)}`,
          advice: 'Give them a power type, or keep them out with exclude_tags or allowed_pools',
        },
    checkOwners(session, me, all),
    checkAdoption(session, all),
    await checkFailures(
      session,
      ours.filter((machine) => machine.status === status.ready),
    ),
    checkStuck(all.filter((machine) => isStuck(machine.status) && markOf(machine) !== undefined)),
    checkClaims(
      session,
      all.filter((machine) => isUnmarkedClaim(machine, me)),
    ),
  ];
}

/** Marks that MAAS has kept although it took the machine away from the key's user. */
function checkOwners({ installation }: Session, { username }: Me, all: readonly Machine[]): Check {
  const lost = all.filter((machine) => {
    const mark = markOf(machine);
    if (typeof mark !== 'object' || mark.installation !== installation) return false;
    return isOwned(machine.status) && disownedBy(machine, username, true) !== undefined;
  });
  const name = 'owners';
  if (lost.length === 0) {
    return { name, state: 'ok', found: `every marked machine belongs to ${username}` };
  }
  return {
    name,
    state: 'warn',
    found: `marked for an instance, but not the machine of ${username} any more: ${someNames(lost)}`,
    advice:
      'Nothing is done to them, and their instances are in doubt: release those that are broken or no instance’s in MAAS; one that an administrator took over by rescue mode needs the key of that administrator',
  };
}

/** Machines that the built-in extension has deployed carry no mark until they are adopted. */
function checkAdoption({ settings }: Session, all: readonly Machine[]): Check {
  const name = 'adoption';
  if (settings.shared_user) {
    const found = 'shared_user is on: unmarked machines are taken for other programs’ own';
    return { name, state: 'skipped', found };
  }
  const waiting = all.filter(
    (machine) => machine.status === status.deployed && markOf(machine) === undefined,
  );
  const unmarked = waiting.filter((machine) => leftBy(machine) === undefined);
  if (unmarked.length === 0)
    return { name, state: 'ok', found: 'every deployed machine is marked' };
  const owners = [...new Set(unmarked.map(({ owner }) => owner || 'no user'))].sort().join(', ');
  return {
    name,
    state: 'warn',
    found: `deployed by ${owners} without a mark: ${someNames(unmarked)}`,
    advice:
      'While they may be instances, statuses is refused: adopt them (`outrigger adopt`) with a key of the user who owns them, or set shared_user to true',
  };
}

async function checkFailures(session: Session, ready: readonly Machine[]): Promise<Check> {
  const name = 'failures';
  const failures = await listFailures(session, ready);
  if (failures.size === 0) return { name, state: 'ok', found: 'no free machine failed lately' };
  const told = ready.flatMap((machine) => {
    const words = failures.get(machine.system_id);
    return words === undefined ? [] : [`${nameOf(machine)}: ${words}`];
  });
  const more = told.length > 5 ? ` and ${told.length - 5} more` : '';
  return {
    name,
    state: 'warn',
    found: `${told.slice(0, 5).join('; ')}${more}`,
    advice:
      'Where one system fails on many machines, mend its image. Custom action ClearFailures makes a machine fit again',
  };
}

function isUnmarkedClaim(machine: Machine, { username }: Me): boolean {
  const { status: now, owner } = machine;
  return now === status.allocated && owner === username && markOf(machine) === undefined;
}

/** The mark is written right after the claim: only a call that was killed in between leaves none. */
function checkClaims({ settings }: Session, claims: readonly Machine[]): Check {
  const name = 'claims';
  if (settings.shared_user) {
    return { name, state: 'skipped', found: "the key's user claims machines for others too" };
  }
  if (claims.length === 0) return { name, state: 'ok', found: 'every claimed machine is marked' };
  return {
    name,
    state: 'warn',
    found: `claimed for no instance that is known: ${someNames(claims)}`,
    advice:
      'Unless that was a moment ago: stop the instances that failed to deploy, which gives theirs back, then release what is left in MAAS',
  };
}

function checkStuck(stuck: readonly Machine[]): Check {
  if (stuck.length === 0)
    return { name: 'returns', state: 'ok', found: 'no machine is stuck on its way back' };
  return {
    name: 'returns',
    state: 'fail',
    found: `not erased or not switched off after their instances were deleted: ${someNames(stuck)}`,
    advice: "Their disks may still hold a tenant's data: release them again in MAAS, with erasing",
  };
}

export async function checkDhcp({ client, deadline }: Session): Promise<readonly Check[]> {
  const ask = { what: 'list fabrics', deadline };
  const fabrics = readFabrics((await client.get('/fabrics/', ask)).json());
  const served = fabrics.flatMap(({ name, vlans }) =>
    vlans.filter(({ dhcp_on }) => dhcp_on).map((vlan) => `${name}/${vlan.name || vlan.vid}`),
  );
  if (served.length > 0)
    return [{ name: 'DHCP', state: 'ok', found: `MAAS serves ${served.join(', ')}` }];
  return [
    {
      name: 'DHCP',
      state: 'warn',
      found: 'MAAS serves DHCP nowhere',
      advice:
        'Machines boot from the network to be installed: switch DHCP on for their VLAN, or relay to MAAS',
    },
  ];
}

export async function checkBootSources(
  { client, deadline }: Session,
  { is_superuser }: Me,
): Promise<readonly Check[]> {
  if (!is_superuser) {
    return [
      { name: 'boot sources', state: 'skipped', found: 'only administrators of MAAS may see them' },
    ];
  }
  const ask = { what: 'list boot sources', deadline };
  const urls = readBootSources((await client.get('/boot-sources/', ask)).json());
  return [
    {
      name: 'boot sources',
      state: urls.length === 0 ? 'warn' : 'ok',
      found: urls.join(', ') || 'none',
    },
  ];
}

function countByStatus(machines: readonly Machine[]): string {
  const counts = new Map<string, number>();
  for (const { status_name: name } of machines) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}

function someNames(machines: readonly Machine[]): string {
  const names = machines.slice(0, 5).map(nameOf).join(', ');
  return machines.length > 5 ? `${names} and ${machines.length - 5} more` : names;
}
