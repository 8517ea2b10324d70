import type { GuestData, GuestNic } from '../contract/guest.ts';
import type { Address } from '../contract/instance.ts';
import { type Yaml, yaml } from './yaml.ts';

/**
 * The network of the guest in version 2 of cloud-init's network configuration, NICs by their MAC
 * addresses; `undefined` where no NIC is known.
 */
export function networkConfig({ nics, moreNics }: GuestData): string | undefined {
  if (nics.length === 0) return undefined;
  const known = nics.map((nic, i) => [`nic${i}`, ethernet(nic)] as const);
  // Named behind the others: where several entries fit a NIC, the first one counts.
  const others = moreNics === true ? [['others', anyOther] as const] : [];
  return `${yaml({ version: 2, ethernets: Object.fromEntries([...known, ...others]) })}\n`;
}

/** For readers that go by patterns of names; others find no interface of that name. */
const anyOther: Yaml = { match: { name: 'e*' }, dhcp4: true, optional: true };

function ethernet({ mac, isDefault, ipv4, ipv6, mtu }: GuestNic): Yaml {
  const [prefix4, prefix6] = [prefixOf(ipv4), prefix6Of(ipv6)];
  const addresses = [
    ...(prefix4 === undefined ? [] : [`${ipv4?.address}/${prefix4}`]),
    ...(prefix6 === undefined ? [] : [`${ipv6?.address}/${prefix6}`]),
  ];
  // Not as routes: cloud-init takes the empty network of IPv6 for one of 64 bits where it writes it out.
  const gateway4 = isDefault && prefix4 !== undefined ? ipv4?.gateway : undefined;
  const gateway6 = isDefault && prefix6 !== undefined ? ipv6?.gateway : undefined;
  const dns = [...(ipv4?.dns ?? []), ...(ipv6?.dns ?? [])];
  return {
    match: { macaddress: mac },
    ...(prefix4 === undefined ? { dhcp4: true } : {}),
    ...(addresses.length === 0 ? {} : { addresses }),
    gateway4,
    gateway6,
    ...(dns.length === 0 ? {} : { nameservers: { addresses: dns } }),
    ...(mtu === undefined ? {} : { mtu }),
    // The guest's boot waits for its default NIC only.
    ...(isDefault ? {} : { optional: true }),
  };
}

/** The bits of the network; `undefined` without an address of its own, which the guest then asks for. */
export function prefixOf(address: Address | undefined): number | undefined {
  if (address?.netmask === undefined) return undefined;
  const bytes = address.netmask.split('.').map(Number);
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bytes.length === 4 && /^1*0*$/.test(bits) && bits.length === 32
    ? bits.lastIndexOf('1') + 1
    : undefined;
}

export function prefix6Of(address: Address | undefined): number | undefined {
  if (address === undefined) return undefined;
  const bits = Number(/\/(\d{1,3})$/.exec(address.cidr ?? '')?.[1] ?? 64);
  return bits <= 128 ? bits : undefined;
}
