import * as v from 'valibot';
import type { GuestNic } from '../../contract/guest.ts';
import type { Address } from '../../contract/instance.ts';
import type { Network } from '../../contract/network.ts';
import { Failure } from '../../failure.ts';
import { enumerate } from '../issues.ts';
import { describeIssue } from '../payload.ts';
import { number, scalar, uuid } from '../scalars.ts';

/** The fields of a command, or one failure that names every mistake in them. */
function read<S extends v.GenericSchema>(schema: S, given: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, given);
  if (result.success) return result.output;
  const list = result.issues.map((issue) => describeIssue(issue));
  throw new Failure('usage', `The network command is incomplete: ${enumerate(list)}`);
}

const label = () => v.optional(v.pipe(scalar(), v.maxLength(255, 'must not be so long')), '');
const ip = () =>
  v.optional(v.pipe(scalar(), v.regex(/^[0-9A-Fa-f:./]{0,64}$/, 'must be an IP address')), '');
const id = () => v.pipe(scalar(), v.regex(/^\d{1,19}$/, 'must be a number of CloudStack'));

const kinds = { l2: 'L2', shared: 'Shared', isolated: 'Isolated' } as const;

/** The network of a command that carries no NIC: with one, `gateway` would be the NIC's. */
export function readNetwork(given: unknown): Network {
  const schema = v.object({
    network_id: id(),
    guest_type: v.pipe(label(), v.toLowerCase()),
    vlan: label(),
    gateway: ip(),
    cidr: ip(),
    vpc_id: v.optional(id()),
  });
  const { network_id, guest_type, vlan, gateway, cidr, vpc_id } = read(schema, given);
  const tag = tagOf(vlan);
  return {
    id: network_id,
    kind: guest_type === 'l2' || guest_type === 'shared' ? kinds[guest_type] : 'Isolated',
    ...(tag === undefined ? {} : { tag }),
    ...(gateway === '' ? {} : { gateway }),
    ...(cidr === '' ? {} : { cidr }),
    ...(vpc_id === undefined ? {} : { vpcId: vpc_id }),
  };
}

/** The end of the network's URI, which may be no number: `csn-43` after a restart of `vs://csn-43`. */
function tagOf(vlan: string): Network['tag'] {
  if (vlan.toLowerCase() === 'untagged') return 'untagged';
  const tag = /^\d{1,8}$/.test(vlan) ? Number(vlan) : 0;
  return tag >= 1 && tag < 2 ** 24 ? tag : undefined;
}

/** A NIC as the network half names it; the Orchestrator half knows it by the same UUID. */
export interface CommandNic {
  readonly networkId: string;
  readonly uuid: string;
  readonly nic: GuestNic;
}

export function readNic(given: unknown): CommandNic {
  const nic = read(nicSchema(), given);
  const { gateway, netmask, dns } = nic;
  const servers = dns.split(',').filter((server) => server !== '');
  const ipv4 = address(nic.ip, { netmask, gateway }, servers);
  const ipv6 = address(nic.ip6_address, { cidr: nic.ip6_cidr, gateway: nic.ip6_gateway }, []);
  return {
    networkId: nic.network_id,
    uuid: nic.nic_uuid,
    nic: {
      mac: nic.mac,
      isDefault: nic.default_nic === 'true',
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    },
  };
}

function nicSchema() {
  const wants = 'must be a MAC address';
  return v.object({
    network_id: id(),
    nic_uuid: uuid(),
    mac: v.pipe(scalar(), v.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, wants), v.toLowerCase()),
    default_nic: v.optional(scalar(), 'false'),
    device_id: v.optional(number(0, 255)),
    ip: ip(),
    netmask: ip(),
    gateway: ip(),
    dns: label(),
    ip6_address: ip(),
    ip6_cidr: ip(),
    ip6_gateway: ip(),
  });
}

function address(
  ip: string,
  rest: Readonly<Record<string, string>>,
  dns: readonly string[],
): Address | undefined {
  if (ip === '') return undefined;
  const present = Object.entries(rest).filter(([, value]) => value !== '');
  return { address: ip, ...Object.fromEntries(present), dns };
}
