import type { Call } from './call.ts';
import { apiError, die, isApiError } from './errors.ts';
import { splitList } from './formats.ts';
import { demand } from './rights.ts';
import { absent, digestOf } from './sdn-views.ts';
import type { State } from './state.ts';

type Properties = Readonly<Record<string, string>>;

const source = '/usr/share/perl5/PVE';

/** Puts Proxmox's opening before what the work dies of, and looks at the lock of 9.x first. */
export function changing({ state, params }: Call, doing: string, work: () => void): void {
  try {
    checkLock(state, params['lock-token']);
    if (!state.quorate) die('cluster not ready - no quorum?');
    work();
  } catch (thrown) {
    if (!isApiError(thrown)) throw thrown;
    const bare = thrown.message === 'cluster not ready - no quorum?';
    throw bare ? thrown : apiError(500, `${doing}: ${thrown.message}`);
  }
}

/** A token counts only while there is a lock; it is a bearer. */
export function checkLock({ sdn }: State, token: string | undefined): void {
  if (sdn.lock === undefined || sdn.lock === token) return;
  die(`invalid lock token provided! at ${source}/Network/SDN.pm line 291.`);
}

// ---- zones ----

const required: Readonly<Record<string, readonly string[]>> = {
  vlan: ['bridge'],
  qinq: ['bridge', 'tag'],
  vxlan: ['peers'],
  evpn: ['controller', 'vrf-vxlan'],
};

export function createZone(call: Call): void {
  const { state, params } = call;
  const { 'lock-token': _token, ...zone } = params;
  const { zone: id = '', type = '' } = zone;
  const absent = required[type]?.find((key) => params[key] === undefined);
  if (absent !== undefined) die(`missing value for required option '${absent}'`);
  changing(call, 'create sdn zone object failed', () => {
    if (state.zones.has(id)) die(`sdn zone object ID '${id}' already defined`);
    state.zones.set(id, zone);
  });
}

export function deleteZone(call: Call): void {
  const { state, params } = call;
  const { zone = '' } = params;
  changing(call, 'delete sdn zone object failed', () => {
    if (!state.zones.has(zone)) absent('zones', zone);
    const used = [...state.vnets.values()].find((vnet) => vnet['zone'] === zone);
    if (used !== undefined) {
      die(
        `zone ${zone} is used by vnet ${used['vnet']} at ${source}/Network/SDN/Zones/Plugin.pm line 159.`,
      );
    }
    state.zones.delete(zone);
  });
}

// ---- vnets ----

export function createVnet(call: Call): void {
  const { state, params } = call;
  const { 'lock-token': _token, ...given } = params;
  const { vnet: id = '' } = given;
  changing(call, 'create sdn vnet object failed', () => {
    if (state.vnets.has(id)) die(`sdn vnet object ID '${id}' already defined`);
    checkVnet(state, given);
    state.vnets.set(id, asWritten({ ...given, type: 'vnet' }));
  });
}

export function updateVnet(call: Call): void {
  const { state } = call;
  const before = needVnet(call);
  const { 'lock-token': _token, delete: removed = '', digest, ...given } = call.params;
  changing(call, 'update sdn vnet object failed', () => {
    if (digest !== undefined && digest !== digestOf(state.vnets)) {
      die('detected modified configuration - file changed by other user? Try again.');
    }
    const after = Object.fromEntries(
      Object.entries({ ...before, ...given }).filter(([key]) => !splitList(removed).includes(key)),
    );
    checkVnet(state, after);
    state.vnets.set(before['vnet'] ?? '', asWritten({ ...after, type: 'vnet' }));
  });
}

/** A vnet is deleted no matter which machines name it: subnets alone keep it. */
export function deleteVnet(call: Call): void {
  const { state } = call;
  const { vnet: id = '' } = needVnet(call);
  changing(call, 'delete sdn vnet object failed', () => {
    if (state.sdn.subnets.has(id)) refuse("vnet: Can't delete vnet if subnets exists");
    state.vnets.delete(id);
  });
}

/** The vnet of the path, which has to be there before any right is looked at. */
function needVnet({ state, caller, params }: Call): Properties {
  const found = state.vnets.get(params['vnet'] ?? '');
  if (found === undefined) return absent('vnets', params['vnet'] ?? '');
  demand(state, caller, `/sdn/zones/${found['zone']}/${found['vnet']}`, ['SDN.Allocate']);
  return found;
}

/** Two layers: the status is 500, and the reason stands in the second line of the message alone. */
function refuse(reason: string): never {
  return die(`400 Parameter verification failed.\n${reason}`);
}

function checkVnet(state: State, wanted: Properties): void {
  const { vnet, zone: zoneId = '', tag, alias = '' } = wanted;
  const zone = state.zones.get(zoneId);
  if (zone === undefined) {
    die(`cannot lookup undefined type! at ${source}/API2/Network/SDN/Vnets.pm line 224.`);
  }
  if (alias.trim().includes('\n')) die('property contains a line feed');
  const type = zone?.['type'] ?? '';
  if (type === 'simple' && tag !== undefined) refuse('tag: vlan tag is not allowed on simple zone');
  if (type === 'vlan' && tag === undefined) refuse('tag: missing vlan tag');
  if (/^(vxlan|evpn)$/.test(type) && tag === undefined) refuse('tag: missing vxlan tag');
  if (tag === undefined) return;
  const twin = [...state.vnets.values()].find(
    (other) =>
      other['tag'] === tag && other['vnet'] !== vnet && clashes(state, type, other, zoneId),
  );
  if (twin === undefined) return;
  if (/^(vxlan|evpn)$/.test(type)) {
    refuse(`tag: vxlan tag ${tag} already exist in vnet ${twin['vnet']} in zone ${twin['zone']} `);
  }
  refuse(`tag: tag ${tag} already exist in vnet ${twin['vnet']}`);
}

/** A VLAN is looked for in the zone alone, a VXLAN in all zones of its kind. */
function clashes(state: State, type: string, other: Properties, zone: string): boolean {
  if (!/^(vxlan|evpn)$/.test(type)) return other['zone'] === zone;
  return /^(vxlan|evpn)$/.test(state.zones.get(other['zone'] ?? '')?.['type'] ?? '');
}

/** An alias loses its blanks at the ends, and all of itself for a letter outside ASCII. */
function asWritten(vnet: Properties): Properties {
  const { alias = '', ...rest } = vnet;
  const kept = /^[\s -~]*$/.test(alias) ? alias.trim() : '';
  return kept === '' ? rest : { ...rest, alias: kept };
}
