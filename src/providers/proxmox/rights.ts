import type { Check } from '../../provider.ts';
import type { Settings } from './settings.ts';
import { type Json, numberOf, recordOf } from './wire.ts';

const onMachines = [
  'VM.Allocate',
  'VM.Audit',
  'VM.Clone',
  'VM.Config.CDROM',
  'VM.Config.CPU',
  'VM.Config.Cloudinit',
  'VM.Config.Disk',
  'VM.Config.HWType',
  'VM.Config.Memory',
  'VM.Config.Network',
  'VM.Config.Options',
  'VM.Console',
  'VM.PowerMgmt',
  'VM.Snapshot',
  'VM.Snapshot.Rollback',
];

/** Needed by single actions only. */
const forActions: Readonly<Record<string, string>> = {
  'VM.Migrate': 'Migrate',
  'VM.Backup': 'Backup and RestoreBackup',
};

/** The agent's right has another name since 9. */
function agentRight(version: string): string {
  return Number(version.split('.')[0]) >= 9 ? 'VM.GuestAgent.Audit' : 'VM.Monitor';
}

/** One line about the rights of the token on machines, with the command that gives what is missing. */
export function checkRights(
  { pool }: Settings,
  token: string,
  rights: Json,
  version: string,
): readonly Check[] {
  const place = pool === undefined ? '/vms' : `/pool/${pool}`;
  const has = (name: string): boolean =>
    allows(rights, place, name) || allows(rights, '/vms', name);
  const missing = onMachines.filter((name) => !has(name));
  const optional: Record<string, string> = {
    ...forActions,
    [agentRight(version)]: 'GetIpAddresses',
  };
  const without = Object.keys(optional).filter((name) => !has(name));
  return [
    missing.length === 0
      ? { name: 'rights', state: 'ok', found: `all on ${place}` }
      : {
          name: 'rights',
          state: 'fail',
          found: `missing on ${place}: ${missing.join(', ')}`,
          advice: commandFor(place, token, [...onMachines, ...Object.keys(optional)]),
        },
    without.length === 0
      ? { name: 'rights of actions', state: 'ok', found: 'all' }
      : {
          name: 'rights of actions',
          state: 'warn',
          found: without.map((name) => `${name} is missing for ${optional[name]}`).join('; '),
        },
    placeCheck(rights, '/storage', 'Datastore.AllocateSpace', 'no storage takes disks', token),
    placeCheck(rights, '/sdn', 'SDN.Use', 'no bridge or vnet may be used', token),
    sysCheck(rights),
  ];
}

function placeCheck(
  rights: Json,
  root: string,
  name: string,
  without: string,
  token: string,
): Check {
  const places = Object.keys(rights).filter(
    (place) => place.startsWith(root) && numberOf(recordOf(rights[place])[name]) !== undefined,
  );
  const everywhere = allows(rights, root, name);
  if (everywhere || places.length > 0) {
    return { name, state: 'ok', found: everywhere ? 'everywhere' : places.join(', ') };
  }
  return {
    name,
    state: 'fail',
    found: `missing: ${without}`,
    advice: `pveum acl modify ${root}/NAME --tokens '${token}' --roles ROLE, and the same for its user`,
  };
}

function sysCheck(rights: Json): Check {
  return allows(rights, '/nodes', 'Sys.Audit')
    ? { name: 'Sys.Audit', state: 'ok', found: 'on /nodes' }
    : {
        name: 'Sys.Audit',
        state: 'warn',
        found: 'missing on /nodes: the free memory of nodes is not seen, nor the tasks of others',
      };
}

/** What the map of rights says for a place: an entry of its own, or what is handed down to it. */
export function allows(rights: Json, place: string, name: string): boolean {
  if (numberOf(recordOf(rights[place])[name]) !== undefined) return true;
  return (
    place !== '/' && rights[place] === undefined && numberOf(recordOf(rights['/'])[name]) === 1
  );
}

function commandFor(place: string, token: string, names: readonly string[]): string {
  const [user] = token.split('!');
  return `pveum role add CloudStack --privs '${names.join(' ')}'; pveum acl modify ${place} --users '${user}' --tokens '${token}' --roles CloudStack`;
}
