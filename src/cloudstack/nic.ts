import * as v from 'valibot';
import type { Address, Nic, Segment } from '../contract/instance.ts';
import { number, scalar, uuid } from './scalars.ts';

/** A NIC as CloudStack sends it; only deviceId, UUID and MAC address are required. */
export function nicSchema() {
  const address = v.optional(
    v.pipe(scalar(), v.regex(/^[0-9A-Fa-f:./]{0,64}$/, 'must be an IP address')),
  );
  const label = v.optional(v.pipe(scalar(), v.maxLength(255, 'must not be so long')));
  return v.object(
    {
      deviceId: number(0, 255),
      nicUuid: uuid(),
      mac: v.pipe(
        scalar(),
        v.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'must be a MAC address'),
        v.toLowerCase(),
      ),
      defaultNic: v.optional(scalar(), 'false'),
      broadcastUri: label,
      networkId: label,
      uuid: label,
      networkSegmentName: label,
      ip: address,
      netmask: address,
      gateway: address,
      dns1: address,
      dns2: address,
      ip6address: address,
      ip6cidr: address,
      ip6gateway: address,
      ip6Dns1: address,
      ip6Dns2: address,
      networkRateMbps: v.optional(
        v.pipe(scalar(), v.regex(/^-?\d{1,9}(\.0+)?$/, 'must be a rate')),
      ),
      mtu: v.optional(number(68, 65_535)),
      // From 4.23 on.
      enabled: v.optional(scalar(), 'true'),
    },
    'must be a NIC',
  );
}

/** The NIC in the words of the contract. */
export function toNic(nic: v.InferOutput<ReturnType<typeof nicSchema>>): Nic {
  const rate = Number(nic.networkRateMbps ?? -1);
  const ipv4 = address(nic.ip, { netmask: nic.netmask, gateway: nic.gateway }, [
    nic.dns1,
    nic.dns2,
  ]);
  const ipv6 = address(nic.ip6address, { cidr: nic.ip6cidr, gateway: nic.ip6gateway }, [
    nic.ip6Dns1,
    nic.ip6Dns2,
  ]);
  return {
    deviceId: nic.deviceId,
    uuid: nic.nicUuid,
    mac: nic.mac,
    isDefault: nic.defaultNic === 'true',
    segment: toSegment(nic.broadcastUri),
    network: present({ uuid: nic.uuid, id: nic.networkId, name: nic.networkSegmentName }),
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(rate > 0 ? { rateMbps: rate } : {}),
    ...(nic.mtu === undefined ? {} : { mtu: nic.mtu }),
    ...(nic.enabled === 'false' ? { linkDown: true } : {}),
  };
}

/** Where a NIC belongs, as CloudStack writes it: `vlan://1577`, `vs://NAME` and the like. */
export function toSegment(uri: string | undefined): Segment {
  if (uri === undefined || uri === '') return { kind: 'none' };
  if (/^vlan:\/\/untagged$/i.test(uri)) return { kind: 'untagged' };
  const id = Number(/^vlan:\/\/(\d{1,4})$/i.exec(uri)?.[1] ?? 0);
  if (id >= 1 && id <= 4094) return { kind: 'vlan', id };
  // A network extension may print options behind a question mark.
  const [, name] = /^vs:\/\/([A-Za-z0-9][A-Za-z0-9_.-]{0,62})(?:\?.*)?$/i.exec(uri) ?? [];
  return name === undefined ? { kind: 'other', uri } : { kind: 'named', name, uri };
}

function address(
  ip: string | undefined,
  rest: Readonly<Record<'netmask' | 'cidr' | 'gateway', string | undefined>> | object,
  dns: readonly (string | undefined)[],
): Address | undefined {
  if (ip === undefined || ip === '') return undefined;
  return { address: ip, ...present(rest), dns: dns.filter((server) => server) as string[] };
}

function present<T extends object>(from: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(
    Object.entries(from).filter(([, value]) => value !== undefined && value !== ''),
  ) as { [Key in keyof T]?: NonNullable<T[Key]> };
}
