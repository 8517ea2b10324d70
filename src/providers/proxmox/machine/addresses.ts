import type { Address, Nic } from '../../../contract/instance.ts';
import type { Config } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import type { Change } from './config.ts';

/* Addresses and name servers of an instance, as options for cloud-init. */

/**
 * The payload's addresses and name servers. Name servers that it does not say stay, unless the address
 * changes that they came with: then they are those of another network.
 */
export function networkChange(
  { cloud_init: kind }: Settings,
  nics: readonly Nic[],
  config: Config,
): Change {
  const addresses = nics.map((nic): [string, string] => [
    `ipconfig${nic.deviceId}`,
    kind === 'static' ? staticFor(nic) : 'ip=dhcp',
  ]);
  const wanted = { ...Object.fromEntries(addresses), ...serversFor(nics) };
  const set = Object.entries(wanted).filter(([option, value]) => !isSame(config[option], value));
  const surplus = Object.keys(config).filter(
    (option) => /^ipconfig\d+$/.test(option) && wanted[option] === undefined,
  );
  const moves = [...set.map(([option]) => option), ...surplus].some(
    (option) => option !== 'nameserver' && config[option] !== undefined,
  );
  const isStale = moves && wanted['nameserver'] === undefined && config['nameserver'] !== undefined;
  return { set: Object.fromEntries(set), remove: [...surplus, ...(isStale ? ['nameserver'] : [])] };
}

/** Whether two texts say the same; the order of their parts does not count. */
function isSame(one: string | undefined, other: string): boolean {
  return one !== undefined && partsOf(one) === partsOf(other);
}

function partsOf(text: string): string {
  return text.trim().split(/[, ]+/).sort().join();
}

function staticFor({ ipv4, ipv6, isDefault }: Nic): string {
  const parts = [...part('ip', 'gw', ipv4, isDefault), ...part('ip6', 'gw6', ipv6, isDefault)];
  return parts.length === 0 ? 'ip=dhcp' : parts.join(',');
}

/** One default route is enough: only the default NIC names its gateway. */
function part(
  ip: string,
  gw: string,
  address: Address | undefined,
  isDefault: boolean,
): readonly string[] {
  if (address === undefined) return [];
  const bits = prefixOf(address);
  if (bits === undefined) return [];
  const gateway = isDefault && address.gateway !== undefined ? [`${gw}=${address.gateway}`] : [];
  return [`${ip}=${address.address}/${bits}`, ...gateway];
}

function prefixOf({ netmask, cidr }: Address): number | undefined {
  const ofCidr = Number(cidr?.split('/')[1]);
  if (Number.isInteger(ofCidr)) return ofCidr;
  if (netmask === undefined) return undefined;
  const bits = netmask
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) && bits.length === 32 ? bits.replace(/0/g, '').length : undefined;
}

function serversFor(nics: readonly Nic[]): Readonly<Record<string, string>> {
  const nic = nics.find(({ isDefault }) => isDefault);
  const servers = [...(nic?.ipv4?.dns ?? []), ...(nic?.ipv6?.dns ?? [])];
  return servers.length === 0 ? {} : { nameserver: [...new Set(servers)].join(' ') };
}
