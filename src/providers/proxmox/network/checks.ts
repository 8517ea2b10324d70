import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { Failure, fullText } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { type Json, listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { checkEndpoints } from '../doctor/connection.ts';
import { commandFor } from '../doctor/rights.ts';
import { foreignVnets, waitingZones } from './foreign.ts';
import { onlineNodes } from './nodes.ts';
import { readVnets, readZones, type Zone } from './objects.ts';
import { type NetworkSession, openSession } from './session.ts';
import type { NetworkSettings } from './settings.ts';

/** The checks of `doctor` for networks; they change nothing. */
export async function checks(
  settings: NetworkSettings,
  context: Context,
): Promise<readonly Check[]> {
  const { checks: reached, version } = await checkEndpoints(settings, context);
  const { sdn_zone: zone } = settings;
  if (version === undefined) return reached;
  if (zone === undefined) {
    const found = 'sdn_zone is not set: networks of CloudStack get no vnet';
    return [...reached, { name: 'zone', state: 'skipped', found }];
  }
  const session = openSession(settings, context);
  const steps: readonly (readonly [string, () => Promise<readonly Check[]>])[] = [
    ['rights', () => checkRights(session, zone)],
    ['zone', () => checkZone(session, zone)],
    ['waiting changes', () => checkWaiting(session)],
    ['nodes', () => checkNodes(session, zone)],
  ];
  const found: Check[] = [...reached];
  for (const [name, step] of steps) found.push(...(await attempt(name, step)));
  return found;
}

async function attempt(
  name: string,
  step: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await step();
  } catch (thrown) {
    return [{ name, state: 'fail', found: fullText(Failure.from(thrown)) }];
  }
}

// ---- rights ----

async function checkRights({ api }: NetworkSession, zone: string): Promise<readonly Check[]> {
  const what = 'read the rights of the API token';
  const rights = recordOf(await api.get('/access/permissions', { what }));
  const token = api.token();
  return [onZone(rights, token, zone), toApply(rights, token), toSeeMachines(rights, token)];
}

const zoneRights = ['SDN.Allocate', 'SDN.Audit', 'SDN.Use'];

/** The deepest entry above a place wins; only those of 1 reach further down. */
function onZone(rights: Json, token: string, zone: string): Check {
  const place = `/sdn/zones/${zone}`;
  const above = [place, '/sdn/zones', '/sdn', '/'].find((each) => rights[each] !== undefined);
  const given = recordOf(rights[above ?? '']);
  const missing = zoneRights.filter((name) => numberOf(given[name]) !== 1);
  const name = 'rights on the zone';
  if (missing.length === 0) return { name, state: 'ok', found: `all on ${place}` };
  return {
    ...{ name, state: 'fail', found: `missing on ${place} and below: ${missing.join(', ')}` },
    advice: commandFor(place, token, 'CloudStackNetwork', zoneRights),
  };
}

/** An apply asks for the right on the root of the SDN itself. */
function toApply(rights: Json, token: string): Check {
  const name = 'right to apply';
  const own = recordOf(rights['/sdn'] ?? rights['/']);
  const isThere = rights['/sdn'] === undefined ? own['SDN.Allocate'] === 1 : 'SDN.Allocate' in own;
  if (isThere) return { name, state: 'ok', found: 'SDN.Allocate on /sdn' };
  const command = commandFor('/sdn', token, 'CloudStackApply', ['SDN.Allocate']);
  return {
    ...{ name, state: 'fail', found: 'SDN.Allocate is missing on /sdn: no vnet can be applied' },
    advice: `${command} --propagate 0`,
  };
}

function toSeeMachines(rights: Json, token: string): Check {
  const name = 'sight of machines';
  const given = recordOf(rights['/vms'] ?? rights['/']);
  if (given['VM.Audit'] === 1) return { name, state: 'ok', found: 'VM.Audit on /vms' };
  return {
    ...{ name, state: 'warn' },
    found: 'VM.Audit is missing on /vms: vnets are never removed, since any machine may name them',
    advice: commandFor('/vms', token, 'CloudStackSight', ['VM.Audit']),
  };
}

// ---- the zone ----

async function checkZone(session: NetworkSession, name: string): Promise<readonly Check[]> {
  const zones = await readZones(session);
  const zone = zones.find((each) => each.zone === name);
  if (zone === undefined) {
    const seen = zones.map((each) => each.zone).join(', ') || 'none';
    const advice = `The token sees ${seen}. Make it under Datacenter > SDN and apply it: pvesh create /cluster/sdn/zones --zone ${name} --type vlan --bridge vmbr0; pvesh set /cluster/sdn`;
    return [{ name: 'zone', state: 'fail', found: `the token sees no zone ${name}`, advice }];
  }
  const vnets = (await readVnets(session)).filter((vnet) => vnet.zone === name);
  const own = vnets.filter(
    ({ mark }) => typeof mark === 'object' && mark.installation === session.context.installation,
  );
  const found = `${name} of type ${zone.type}; ${own.length} of its ${vnets.length} vnets are of this installation`;
  return [{ name: 'zone', state: 'ok', found }, ...checkTags(session, zone)];
}

function checkTags({ settings }: NetworkSession, zone: Zone): readonly Check[] {
  if (zone.type !== 'vlan' && zone.type !== 'qinq') return [];
  const name = 'sdn_tags';
  const { sdn_tags: tags } = settings;
  if (tags === undefined) {
    const found = 'not set: only networks with a VLAN of CloudStack can be made in a zone of VLANs';
    return [{ name, state: 'warn', found, advice: 'Set it to free VLANs, such as 2000-2999' }];
  }
  const range = `${tags.low}-${tags.high}`;
  if (tags.high <= 4094) return [{ name, state: 'ok', found: range }];
  return [
    { name, state: 'fail', found: `${range} is no range of VLANs`, advice: '4094 is the last' },
  ];
}

async function checkWaiting(session: NetworkSession): Promise<readonly Check[]> {
  const name = 'waiting changes';
  const waiting = [
    ...foreignVnets(session, await readVnets(session)),
    ...waitingZones(await readZones(session)),
  ];
  if (waiting.length === 0) return [{ name, state: 'ok', found: 'none that the token sees' }];
  return [
    {
      ...{ name, state: 'fail', found: `of another author: ${waiting.join(', ')}` },
      advice: 'No network can be made until they are applied or taken back: Datacenter > SDN',
    },
  ];
}

// ---- nodes ----

async function checkNodes(session: NetworkSession, zone: string): Promise<readonly Check[]> {
  const { settings } = session;
  const online = await onlineNodes(session);
  const own = online.filter((node) => settings.nodes?.includes(node) !== false);
  const away = settings.nodes?.filter((node) => !online.includes(node)) ?? [];
  const states = await mapLimit(own, 4, async (node) => ({
    node,
    state: await stateOn(session, node, zone),
  }));
  const name = 'zone on nodes';
  const wrong = states.filter(({ state }) => state !== 'available');
  const troubles = [
    ...wrong.map(({ node, state }) => `${node}: ${state}`),
    ...away.map((node) => `${node}: not online`),
  ];
  if (troubles.length === 0) return [{ name, state: 'ok', found: own.join(', ') }];
  const without = wrong.every(({ state }) => state === absent);
  // A zone may be on some nodes only, as long as no setting names the others.
  const state =
    without && settings.nodes === undefined && own.length > wrong.length ? 'warn' : 'fail';
  return [
    {
      ...{ name, state, found: troubles.join('; ') },
      advice:
        'An instance starts only on a node that has the zone: add the node to the zone, or look at the log of the task srvreload there; pvesh set /cluster/sdn reloads all nodes',
    },
  ];
}

const absent = 'has no such zone';

async function stateOn({ api }: NetworkSession, node: string, zone: string): Promise<string> {
  const ask = { what: `ask ${node} for its zones`, limitMs: 5000 };
  try {
    const rows = listOf(await api.get(path`/nodes/${node}/sdn/zones`, ask)).map(recordOf);
    const row = rows.find((each) => each['zone'] === zone);
    return row === undefined ? absent : (textOf(row['status']) ?? 'unknown');
  } catch (thrown) {
    return Failure.from(thrown).message;
  }
}
