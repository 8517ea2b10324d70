import * as v from 'valibot';
import type { Address, Caller, Instance, Nic, Role, Segment, SizedInstance } from '../provider.ts';
import { type Details, describeIssue, detailsMap, type Payload, scalar } from './payload.ts';

/** Either the value, or everything that is wrong with the payload's account of it. */
export type Read<T> = { readonly value: T } | { readonly issues: readonly string[] };

const external = 'External:';

/** Who and where an instance is; only what every action about it needs is demanded. */
export function readInstance(payload: Payload, storedKeys: readonly string[]): Read<Instance> {
  return read(v.looseObject(identity()), payload, (vm) => describe(vm, payload, storedKeys));
}

/** The instance with its size and its NICs in the order of deviceId. */
export function readSizedInstance(
  payload: Payload,
  storedKeys: readonly string[],
): Read<SizedInstance> {
  const schema = v.looseObject({ ...identity(), ...size() });
  return read(schema, payload, (vm) => ({
    ...describe(vm, payload, storedKeys),
    cpus: vm.cpus,
    memoryBytes: vm.maxRam,
    nics: vm.nics.map(toNic).sort((a, b) => a.deviceId - b.deviceId),
    ...(vm.bootType === undefined
      ? {}
      : {
          boot: {
            firmware: vm.bootType.toUpperCase() === 'UEFI' ? 'uefi' : 'bios',
            secure: vm.bootMode?.toUpperCase() === 'SECURE',
          } as const,
        }),
  }));
}

/** The `External:` details of the instance, wherever this CloudStack's version puts them. */
export function instanceDetails(payload: Payload): Details {
  const vm = payload['cloudstack.vm.details'];
  const all = v.safeParse(
    detailsMap(),
    typeof vm === 'object' && vm !== null ? (vm as { details?: unknown }).details : undefined,
  );
  // 4.21 leaves externaldetails.virtualmachine out of custom actions.
  const older = Object.entries(all.success ? all.output : {})
    .filter(([key]) => key.startsWith(external))
    .map(([key, value]) => [key.slice(external.length), value]);
  const { 'cloudstack.vlan': _vlan, ...given } = payload.externaldetails.virtualmachine;
  return { ...(Object.fromEntries(older) as Details), ...given };
}

export function readCaller({ caller }: Payload): Caller | undefined {
  if (caller === undefined) return undefined;
  const roles: readonly string[] = ['Admin', 'ResourceAdmin', 'DomainAdmin', 'User'];
  // An unknown role gets the rights of the least one.
  const role = roles.includes(caller.roletype) ? (caller.roletype as Role) : 'User';
  return { account: caller.name, role };
}

function read<S extends v.GenericSchema, T>(
  schema: S,
  payload: Payload,
  build: (vm: v.InferOutput<S>) => T,
): Read<T> {
  const own = payload['cloudstack.vm.details'];
  if (own !== undefined && (typeof own !== 'object' || own === null || Array.isArray(own))) {
    return { issues: ['payload key "cloudstack.vm.details" must be an object'] };
  }
  const vm = (own ?? {}) as Record<string, unknown>;
  const uuid = payload.virtualmachineid ?? vm['uuid'];
  const name = payload.virtualmachinename ?? vm['name'];
  const result = v.safeParse(schema, { ...vm, uuid, name });
  const twice = [
    ...differ('UUIDs', 'virtualmachineid', payload.virtualmachineid, 'uuid', vm['uuid']),
    ...differ('names', 'virtualmachinename', payload.virtualmachinename, 'name', vm['name']),
  ];
  if (result.success && twice.length === 0) return { value: build(result.output) };
  return { issues: [...(result.issues ?? []).map((issue) => describeVmIssue(issue)), ...twice] };
}

function differ(what: string, a: string, one: unknown, b: string, other: unknown): string[] {
  if (one === undefined || other === undefined || plain(one) === plain(other)) return [];
  return [`"${a}" and "cloudstack.vm.details.${b}" are different ${what}`];
}

/** Not every object can be made a text; none is the same as anything. */
function plain(given: unknown): unknown {
  return typeof given === 'object' ? Symbol('an object') : String(given).toLowerCase();
}

function describeVmIssue(issue: v.BaseIssue<unknown>): string {
  const text = describeIssue(issue);
  if (text === 'the payload has no "uuid"') {
    return 'the payload has no instance UUID ("virtualmachineid" or "cloudstack.vm.details.uuid")';
  }
  if (text === 'the payload has no "name"') {
    return 'the payload has no instance name ("virtualmachinename" or "cloudstack.vm.details.name")';
  }
  return text.replace(/"(.*?)"/, '"cloudstack.vm.details.$1"');
}

// ---- schemas ------------------------------------------------------------------------------------

function uuid() {
  return v.pipe(
    scalar(),
    v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a UUID'),
    v.toLowerCase(),
  );
}

/** 3, 3.0 and "3" are the same number to CloudStack's versions. */
function number(least: number, most: number) {
  return v.pipe(
    scalar(),
    v.regex(/^ *\d{1,16}(\.0+)? *$/, `must be a whole number from ${least} to ${most}`),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
}

function identity() {
  return {
    uuid: uuid(),
    name: v.pipe(
      scalar(),
      v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/, 'must be an instance name such as i-2-42-VM'),
    ),
    id: v.optional(number(0, Number.MAX_SAFE_INTEGER)),
    state: v.optional(v.pipe(scalar(), v.maxLength(40, 'must be a state'))),
    arch: v.optional(v.pipe(scalar(), v.maxLength(40, 'must be an architecture'))),
    details: detailsMap(),
  };
}

function size() {
  return {
    cpus: number(1, 4096),
    maxRam: number(1024 * 1024, Number.MAX_SAFE_INTEGER),
    bootType: v.optional(scalar()),
    bootMode: v.optional(scalar()),
    nics: v.pipe(
      v.array(v.unknown(), 'must be a list'),
      // Before any is looked at: a million of them would take longer than there is time.
      v.maxLength(64, 'must not have more than 64 NICs'),
      v.array(nic()),
      v.check(
        (nics) => new Set(nics.map(({ deviceId }) => deviceId)).size === nics.length,
        'must not have the same deviceId twice',
      ),
    ),
  };
}

function nic() {
  const address = v.optional(
    v.pipe(scalar(), v.regex(/^[0-9A-Fa-f:./]{0,64}$/, 'must be an IP address')),
  );
  const label = v.optional(v.pipe(scalar(), v.maxLength(255, 'must not be so long')));
  return v.looseObject(
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
      details: detailsMap(),
    },
    'must be a NIC',
  );
}

// ---- translation --------------------------------------------------------------------------------

type VmIdentity = v.InferOutput<v.LooseObjectSchema<ReturnType<typeof identity>, undefined>>;
type VmNic = v.InferOutput<ReturnType<typeof nic>>;

function describe(vm: VmIdentity, payload: Payload, storedKeys: readonly string[]): Instance {
  const caller = readCaller(payload);
  const key = vm.details['SSH.PublicKey'];
  const stored = storedKeys
    .map((name) => [name, vm.details[name] ?? vm.details[`${external}${name}`]] as const)
    .filter(([, value]) => value !== undefined && value !== '');
  return {
    uuid: vm.uuid,
    name: vm.name,
    deploying: vm.details['deployvm'] === 'true',
    stored: Object.fromEntries(stored) as Details,
    ...(vm.id === undefined ? {} : { id: vm.id }),
    ...(vm.state === undefined ? {} : { state: vm.state }),
    ...(vm.arch === undefined ? {} : { arch: vm.arch }),
    ...(key === undefined ? {} : { sshPublicKey: key }),
    ...(caller === undefined ? {} : { caller }),
  };
}

function toNic(nic: VmNic): Nic {
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
    details: nic.details,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(rate > 0 ? { rateMbps: rate } : {}),
    ...(nic.mtu === undefined ? {} : { mtu: nic.mtu }),
  };
}

function toSegment(uri: string | undefined): Segment {
  if (uri === undefined || uri === '') return { kind: 'none' };
  if (/^vlan:\/\/untagged$/i.test(uri)) return { kind: 'untagged' };
  const id = Number(/^vlan:\/\/(\d{1,4})$/i.exec(uri)?.[1] ?? 0);
  return id >= 1 && id <= 4094 ? { kind: 'vlan', id } : { kind: 'other', uri };
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
