import type { Network, NetworkMark, NetworkStep } from '../../../contract/network.ts';
import { Failure } from '../../../failure.ts';
import { networkIdOf } from '../../../lifecycle/network/mark.ts';
import { draftOf, notReached, reachNodes, untilEnded } from './apply.ts';
import { foreignVnets, notFinished, readUnlessForeign, waitingZones } from './foreign.ts';
import { type LockToken, whileLocked } from './lock.ts';
import { lacking, nodesFor } from './nodes.ts';
import { readZones, type Vnet, type Zone } from './objects.ts';
import type { NetworkSession } from './session.ts';
import { noTagLeft, tagsFor } from './tag.ts';
import { defineVnet, deleteVnet, isTagTaken, readBack, type WantedVnet } from './vnets.ts';

/** Proxmox VE takes no longer id. */
export const idLength = 8;

export interface Making {
  readonly network: Network;
  readonly mark: NetworkMark;
  readonly zone: string;
  /** All that the token has just seen. */
  readonly vnets: readonly Vnet[];
}

/**
 * Makes a vnet and ends when it is on every node. After a failure it stays once it is applied: CloudStack
 * then shuts the network down, which finds and removes it.
 */
export async function make(
  session: NetworkSession,
  making: Making,
  { undo }: NetworkStep,
): Promise<Vnet> {
  const zone = await findZone(session, making.zone);
  const foreign = foreignVnets(session, making.vnets);
  if (foreign.length > 0) throw notFinished(foreign.join(', '));
  const nodes = await nodesFor(session, zone);
  const draft = draftOf(session, undo);
  const { vnet, upid } = await whileLocked(session, undo, async (token) => {
    const { wanted, isOurs } = await define(session, making, zone, token);
    draft.add(`delete the vnet ${wanted.id}`, async (at) => {
      if (isOurs) await deleteVnet(at, wanted.id, token);
    });
    const vnet = readBack((await readUnlessForeign(session)).vnets, wanted);
    return { vnet, upid: await draft.commit(token) };
  });
  await untilEnded(session, upid);
  const lacks = await reachNodes(session, () => lacking(session, nodes, vnet));
  if (lacks.length > 0) throw notReached(vnet.remoteId, lacks);
  return vnet;
}

interface Defined {
  readonly wanted: WantedVnet;
  /** This call has defined it. */
  readonly isOurs: boolean;
}

/** A number that another vnet took meanwhile, or that the token does not see, gives way to the next one. */
async function define(
  session: NetworkSession,
  { network, mark, vnets }: Making,
  zone: Zone,
  token: LockToken,
): Promise<Defined> {
  const id = networkIdOf(mark, idLength);
  const { settings } = session;
  let taken: unknown = noTagLeft(zone);
  let tries = 0;
  for (const tag of tagsFor(zone, network, { settings, mark, vnets })) {
    const wanted = { id, zone: zone.zone, tag, mark };
    try {
      return { wanted, isOurs: await defineVnet(session, wanted, token) };
    } catch (thrown) {
      if (!isTagTaken(thrown)) throw thrown;
      taken = thrown;
      if (++tries === mostTries) break;
    }
  }
  throw taken;
}

const mostTries = 20;

/** The zone, which an operator has made and applied. */
async function findZone(session: NetworkSession, name: string): Promise<Zone> {
  const zones = await readZones(session);
  const zone = zones.find((each) => each.zone === name && each.state !== 'deleted');
  if (zone === undefined) {
    const seen = zones.map((each) => each.zone).join(', ') || 'none';
    throw new Failure('config', `The API token sees no SDN zone ${name}; it sees ${seen}`, {
      advice: 'Make the zone under Datacenter > SDN, apply it, and compare it with sdn_zone',
    });
  }
  const waiting = waitingZones(zones);
  if (waiting.length > 0) throw notFinished(waiting.join(', '));
  return zone;
}
