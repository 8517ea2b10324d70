import type { Network, NetworkStep } from '../../../contract/network.ts';
import { Failure } from '../../../failure.ts';
import { type Draft, draftOf, notReached, reachNodes, untilEnded } from './apply.ts';
import { readUnlessForeign } from './foreign.ts';
import { type LockToken, whileLocked } from './lock.ts';
import { behind, lacking, nodesFor } from './nodes.ts';
import { readZones, type Vnet, type Zone } from './objects.ts';
import type { NetworkSession } from './session.ts';
import { tagOfCloudStack } from './tag.ts';
import { defineVnet, deleteVnet, readBack, retagVnet, type WantedVnet } from './vnets.ts';

/** Brings a vnet that is there to what CloudStack says, and to every node; most calls change nothing. */
export async function update(
  session: NetworkSession,
  vnet: Vnet,
  network: Network,
  step: NetworkStep,
): Promise<Vnet> {
  const zone = (await readZones(session)).find((each) => each.zone === vnet.zone);
  if (zone === undefined) throw noZone(vnet);
  const nodes = await nodesFor(session, zone);
  const tag = tagFor(vnet, network, zone);
  const isReady = vnet.state === 'applied' && tag === vnet.tag;
  const now = isReady ? vnet : await rewrite(session, { ...vnet, tag }, vnet, step);
  const lacks = await reachNodes(session, () => lacking(session, nodes, now));
  if (lacks.length > 0) throw notReached(vnet.remoteId, lacks);
  return now;
}

/** A VXLAN's number cannot change while its bridge is there, and means nothing outside the cluster. */
function tagFor(vnet: Vnet, network: Network, zone: Zone): number | undefined {
  if (zone.type !== 'vlan' && zone.type !== 'qinq') return vnet.tag;
  return tagOfCloudStack(zone, network) ?? vnet.tag;
}

/** Also for a vnet that a killed call has defined, or deleted, and not applied. */
async function rewrite(
  session: NetworkSession,
  wanted: Vnet,
  before: Vnet,
  { undo }: NetworkStep,
): Promise<Vnet> {
  const draft = draftOf(session, undo);
  const { vnet, upid } = await whileLocked(session, undo, async (token) => {
    if (before.state === 'deleted') await defineVnet(session, wantedOf(wanted), token);
    else if (wanted.tag !== undefined && wanted.tag !== before.tag) {
      await retagVnet(session, before, wanted.tag, token);
      draft.add(`give the vnet ${before.remoteId} its VLAN back`, async (at) => {
        if (before.tag !== undefined) await retagVnet(at, before, before.tag, token);
      });
    }
    const vnet = readBack((await readUnlessForeign(session)).vnets, wantedOf(wanted));
    return { vnet, upid: await draft.commit(token) };
  });
  await untilEnded(session, upid);
  return vnet;
}

function wantedOf({ remoteId: id, zone, tag, mark }: Vnet): WantedVnet {
  if (typeof mark !== 'object') {
    throw new Failure('internal', `The vnet ${id} has no mark that could be written again`);
  }
  return { id, zone, tag, mark };
}

function noZone({ remoteId, zone }: Vnet): Failure {
  return new Failure(
    'config',
    `The API token sees no zone ${zone}, which the vnet ${remoteId} is in`,
    {
      advice: `Give it SDN.Audit on /sdn/zones/${zone}`,
    },
  );
}

/**
 * Removes a vnet that nothing names. A node that is not reloaded keeps a bridge that nothing is plugged
 * into, which is no reason to fail.
 */
export async function remove(
  session: NetworkSession,
  vnet: Vnet,
  { undo }: NetworkStep,
): Promise<void> {
  const draft = draftOf(session, undo);
  const upid = await whileLocked(session, undo, (token) => takeOff(session, vnet, token, draft));
  await untilEnded(session, upid);
  const zone = (await readZones(session)).find((each) => each.zone === vnet.zone);
  if (zone === undefined) return;
  const nodes = await nodesFor(session, zone);
  const lacks = await reachNodes(session, () => behind(session, nodes, zone.zone));
  if (lacks.length === 0) return;
  session.context.log('vnet.bridge-left', { vnet: vnet.remoteId, lacks, level: 'warn' });
}

async function takeOff(
  session: NetworkSession,
  vnet: Vnet,
  token: LockToken,
  draft: Draft,
): Promise<string | undefined> {
  await readUnlessForeign(session);
  if (vnet.state !== 'deleted') {
    await deleteVnet(session, vnet.remoteId, token);
    draft.add(`put the vnet ${vnet.remoteId} back`, async (at) => {
      await defineVnet(at, wantedOf(vnet), token);
    });
  }
  return draft.commit(token);
}
