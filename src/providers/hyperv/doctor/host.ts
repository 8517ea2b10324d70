import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { overview } from '../../../lifecycle/overview.ts';
import type { DiskUsers, HostResources, Inspection, Listing } from '../api/wire.ts';
import { ownMachines } from '../machine/list.ts';
import { listed, unreadAdvice } from '../machine/users.ts';
import type { Settings } from '../settings.ts';

/*
 * The checks that doctor makes on the host's own answers.
 */

export function ok(name: string, found: string): Check {
  return { name, state: 'ok', found };
}

export function rightsCheck({ sees, account }: Listing): Check {
  return sees
    ? ok('rights', `${account} may manage Hyper-V`)
    : {
        name: 'rights',
        state: 'fail',
        found: `${account} may not manage Hyper-V: it is shown no machines`,
        advice:
          'Put it into the group "Hyper-V Administrators"; a local administrator needs LocalAccountTokenFilterPolicy=1',
      };
}

export function clusterCheck({ cluster, machines }: Listing): Check {
  if (!cluster.member) return ok('cluster', 'the host is in no failover cluster');
  const roles = machines.filter(({ clustered }) => clustered).length;
  return {
    name: 'cluster',
    state: 'warn',
    found: `the host is in a failover cluster; ${roles} machines here are its roles${cluster.known ? '' : ', and its roles cannot be listed'}`,
    advice:
      'Instances must not become cluster roles: those are refused. Set other_nodes where other CloudStack hosts report other nodes',
  };
}

export function ownershipCheck(listing: Listing, { installation }: Context): Check {
  const { machines } = listing;
  const { certain, doubtful } = overview(ownMachines(listing), installation);
  const marked = doubtful.filter((one) => one.machines.some(({ mark }) => mark !== undefined));
  const found = `${machines.length} machines, ${certain.length} of them this installation's`;
  if (marked.length === 0) return ok('machines', found);
  const names = marked.map(({ name }) => name).join(', ');
  return {
    name: 'machines',
    state: 'warn',
    found: `${found}; in doubt: ${names}`,
    advice: 'Run `outrigger audit`',
  };
}

/** How long the listing took from the login on, which is what a status does. */
export function listingCheck({ machines }: Listing, ms: number): Check {
  const found = `${machines.length} machines were listed ${(ms / 1000).toFixed(1)} s after the login began`;
  if (ms < slowMs) return ok('listing', found);
  return {
    name: 'listing',
    state: 'warn',
    found: `${found}: a status takes as long`,
    advice:
      'Look for the reason on the host (its load, a virus scanner that slows PowerShell down), or raise status_seconds in config.json, which is 8 unless set',
  };
}

/** Half of the time that a status has, since a host under load takes longer. */
const slowMs = 4000;

/** A create looks for free memory first, where the host tells it. */
export function memoryCheck({ freeMemory }: Pick<HostResources, 'freeMemory'>): Check {
  if (freeMemory !== null) {
    return ok('memory', `${(freeMemory / 1024 ** 3).toFixed(1)} GiB free for new instances`);
  }
  return {
    name: 'memory',
    state: 'warn',
    found: 'the host does not tell how much is free (Get-VMHostNumaNode)',
    advice:
      'A create that does not fit is noticed only when its machine is started, and taken back',
  };
}

/** Whether every disk can be read; while one cannot, nothing proves that a disk is free. */
export function disksCheck({ unread }: DiskUsers): Check {
  if (unread.length === 0) return ok('disks', 'those of all machines can be read');
  return {
    name: 'disks',
    state: 'fail',
    found: `cannot be read: ${listed(unread)}. Until then Delete, DeleteSnapshot and Reinstall are refused here, since these disks may build on any other`,
    advice: unreadAdvice,
  };
}

export function switchCheck(settings: Settings, { switches, switchTrouble }: Inspection): Check {
  const wanted = [
    settings.network_switch,
    ...(settings.network_switches ?? []).map((pair) => pair.split('=')[1]?.trim() ?? ''),
  ];
  const there = new Set(switches.map((name) => name.toLowerCase()));
  const lacking = [...new Set(wanted)].filter((name) => !there.has(name.toLowerCase()));
  if (switchTrouble !== '') {
    return { name: 'switches', state: 'fail', found: `they cannot be listed (${switchTrouble})` };
  }
  if (lacking.length === 0) return ok('switches', wanted.join(', '));
  return {
    name: 'switches',
    state: 'fail',
    found: `there is no virtual switch ${lacking.join(', ')}`,
    advice:
      switches.length === 0
        ? 'The host has no switch at all'
        : `The host has: ${switches.join(', ')}`,
  };
}

export function pathCheck(
  { min_free_gb }: Settings,
  { path, found, trouble, freeBytes }: Inspection['paths'][number],
): Check {
  const name = `folder ${path}`;
  if (!found) {
    const share = path.startsWith('\\\\');
    return {
      name,
      state: 'fail',
      found: `cannot be used (${trouble || 'no folder'})`,
      advice: share
        ? 'A WinRM login does not reach shares on other servers (second hop): the computer account of the host needs rights there, or delegation'
        : trouble === 'PermissionDenied'
          ? 'Give the account Modify there (icacls)'
          : 'Make it on the host',
    };
  }
  if (freeBytes === null) return { name, state: 'warn', found: 'its free space cannot be seen' };
  const free = Math.floor(freeBytes / 1024 ** 3);
  if (free >= min_free_gb) return ok(name, `${free} GiB free`);
  return {
    name,
    state: 'warn',
    found: `${free} GiB free, less than min_free_gb (${min_free_gb})`,
    advice: 'Nothing new is made here until there is more free space',
  };
}

export function shareCheck({
  allowed_templates,
  allowed_isos,
  vhd_path,
  vm_path,
}: Settings): Check {
  const shares = [...allowed_templates, ...allowed_isos, vhd_path, vm_path].filter((path) =>
    path.startsWith('\\\\'),
  );
  if (shares.length === 0) return ok('shares', 'none is set');
  return {
    name: 'shares',
    state: 'warn',
    found: `on other servers: ${shares.join(', ')}`,
    advice:
      'A WinRM login does not reach them (second hop) unless the computer account of the host has rights there',
  };
}
