import type { Network, NetworkMark } from '../../../contract/network.ts';
import { Failure } from '../../../failure.ts';
import { shortHash } from '../../../kit/short-hash.ts';
import type { Vnet, Zone } from './objects.ts';
import { type NetworkSettings, type Tags, usualVxlans } from './settings.ts';

const highestVlan = 4094;

function isVxlan({ type }: Zone): boolean {
  return type === 'vxlan' || type === 'evpn';
}

/** The number that CloudStack chose, where the zone uses numbers. */
export function tagOfCloudStack(zone: Zone, { tag }: Network): number | undefined {
  return zone.type === 'simple' || tag === 'untagged' ? undefined : tag;
}

/**
 * The numbers to try for a new vnet, best first: CloudStack's own; else those of a range, from a place on
 * that the network's mark decides, so that every server tries the same first. `undefined` stands for none.
 */
export function* tagsFor(
  zone: Zone,
  network: Network,
  { settings, mark, vnets }: Choice,
): Generator<number | undefined> {
  if (zone.type === 'simple') return yield undefined;
  const chosen = tagOfCloudStack(zone, network);
  if (chosen !== undefined) return yield chosen;
  const { low, high } = rangeOf(zone, network, settings);
  const used = new Set(vnets.filter((vnet) => isOnSameWire(vnet, zone)).map(({ tag }) => tag));
  const size = high - low + 1;
  const first = Number.parseInt(shortHash(`${mark.installation}:${mark.networkId}`, 8), 36) % size;
  for (let step = 0; step < Math.min(size, mostSteps); step += 1) {
    const tag = low + ((first + step) % size);
    if (!used.has(tag)) yield tag;
  }
}

const mostSteps = 100_000;

interface Choice {
  readonly settings: NetworkSettings;
  readonly mark: NetworkMark;
  /** All that the token sees. */
  readonly vnets: readonly Vnet[];
}

/** A VXLAN's number counts in the cluster, a VLAN's in its zone. */
function isOnSameWire(vnet: Vnet, zone: Zone): boolean {
  return isVxlan(zone) || vnet.zone === zone.zone;
}

function rangeOf(zone: Zone, { id }: Network, { sdn_tags: given }: NetworkSettings): Tags {
  if (isVxlan(zone)) return given ?? usualVxlans;
  if (given !== undefined && given.high <= highestVlan) return given;
  const why = given === undefined ? 'sdn_tags is not set' : `${given.high} in sdn_tags is no VLAN`;
  const text = `Zone ${zone.zone} is of type ${zone.type}, CloudStack chose no VLAN for network ${id}, and ${why}`;
  throw new Failure('config', text, {
    advice:
      'Set sdn_tags at the registration with the physical network to VLANs that nothing else uses, such as 2000-2999',
  });
}

export function noTagLeft({ zone }: Zone): Failure {
  return new Failure('conflict', `Every number for a vnet in zone ${zone} is taken`, {
    advice: 'Widen sdn_tags, or remove vnets that no network needs (`outrigger audit` names them)',
  });
}
