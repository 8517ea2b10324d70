import type { Check } from '../../../contract/provider.ts';
import { type Json, numberOf, recordOf } from '../api/wire.ts';
import type { Settings } from '../settings.ts';

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

/** Without it the lists do not tell which machines are in the pool, and no report of all can be made. */
const onPool = 'Pool.Audit';

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
  const missing = [
    ...onMachines.filter((name) => !has(name)),
    ...(pool === undefined || allows(rights, place, onPool) ? [] : [onPool]),
  ];
  const optional: Record<string, string> = {
    ...forActions,
    [agentRight(version)]: 'GetIpAddresses',
  };
  const without = Object.keys(optional).filter((name) => !has(name));
  const names = [...onMachines, ...Object.keys(optional), ...(pool === undefined ? [] : [onPool])];
  const command = commandFor(place, token, 'CloudStack', names);
  return [
    missing.length === 0
      ? { name: 'rights', state: 'ok', found: `all on ${place}` }
      : {
          name: 'rights',
          state: 'fail',
          found: `missing on ${place}: ${missing.join(', ')}`,
          advice: command,
        },
    without.length === 0
      ? { name: 'rights of actions', state: 'ok', found: 'all' }
      : {
          name: 'rights of actions',
          state: 'warn',
          found: without.map((name) => `${name} is missing for ${optional[name]}`).join('; '),
          advice: command,
        },
    placeCheck(rights, token, storages),
    placeCheck(rights, token, networks),
    sysCheck(rights, token),
  ];
}

interface Places {
  readonly root: string;
  /** One of them, for the command. */
  readonly one: string;
  readonly name: string;
  readonly role: string;
  readonly without: string;
}

const storages: Places = {
  root: '/storage',
  one: '/storage/NAME',
  name: 'Datastore.AllocateSpace',
  role: 'PVEDatastoreUser',
  without: 'no storage takes disks',
};

const networks: Places = {
  root: '/sdn',
  one: '/sdn/zones/NAME',
  name: 'SDN.Use',
  role: 'PVESDNUser',
  without: 'no bridge or vnet may be used',
};

function placeCheck(
  rights: Json,
  token: string,
  { root, one, name, role, without }: Places,
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
    advice: giving(one, token, role),
  };
}

function sysCheck(rights: Json, token: string): Check {
  return allows(rights, '/nodes', 'Sys.Audit')
    ? { name: 'Sys.Audit', state: 'ok', found: 'on /nodes' }
    : {
        name: 'Sys.Audit',
        state: 'warn',
        found: 'missing on /nodes: the free memory of nodes is not seen, nor the tasks of others',
        advice: commandFor('/nodes', token, 'CloudStackNode', ['Sys.Audit']),
      };
}

/**
 * Whether the map of rights allows a place and everything below it: by an entry of its own, or by one
 * that is handed down to it. An entry of 0 goes no further down; a pool hands all to its machines.
 */
export function allows(rights: Json, place: string, name: string): boolean {
  const own = numberOf(recordOf(rights[place])[name]);
  if (own === 1 || (own === 0 && place.startsWith('/pool/'))) return true;
  if (rights[place] !== undefined) return false;
  const above = place.startsWith('/pool/') ? recordOf(rights['/pool']) : recordOf(rights['/']);
  return numberOf(above[name]) === 1;
}

/** The command that lets doctor see quorum, accounts and tag policy; it lets nothing be changed. */
export function seeingCluster(token: string): string {
  return `On a node, to see it: ${commandFor('/', token, 'CloudStackNode', ['Sys.Audit'])}`;
}

/** The command that lets the token use, and see, the bridges and vnets of a zone. */
export function givingNetwork(token: string): string {
  return giving(networks.one, token, networks.role);
}

/** The command that lets the token put seeds onto their storage and take them away. */
export function givingSeeds(storage: string, token: string, names: readonly string[]): string {
  return commandFor(`/storage/${storage}`, token, 'CloudStackSeeds', names);
}

/** The role may be there and lack a right: then the first command fails, and no matter. */
export function commandFor(
  place: string,
  token: string,
  role: string,
  names: readonly string[],
): string {
  const privileges = `'${names.join(' ')}'`;
  return `pveum role add ${role}; pveum role modify ${role} --append 1 --privs ${privileges}; ${giving(place, token, role)}`;
}

function giving(place: string, token: string, role: string): string {
  const [user] = token.split('!');
  return `pveum acl modify ${place} --users '${user}' --tokens '${token}' --roles ${role}`;
}
