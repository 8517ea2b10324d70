import * as v from 'valibot';
import type { Caller, Instance, Role } from '../contract/instance.ts';
import { type Details, describeIssue, detailsMap, type Payload } from './payload.ts';
import { number, scalar, uuid } from './scalars.ts';

/** The value, or all mistakes in the payload's description of it. */
export type Read<T> = { readonly value: T } | { readonly issues: readonly string[] };

const external = 'External:';

/** The identity of an instance; only the keys that every action needs are required. */
export function readInstance(payload: Payload, storedKeys: readonly string[]): Read<Instance> {
  return read(v.object(identity()), payload, (vm) => describe(vm, payload, storedKeys));
}

/** The `External:` details of the instance, from either place where CloudStack puts them. */
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
  // An unknown role gets the rights of the lowest one.
  const role = roles.includes(caller.roletype) ? (caller.roletype as Role) : 'User';
  return { account: caller.name, role };
}

/** Through a schema that has at least `identity`. */
export function read<S extends v.GenericSchema, T>(
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

/** Not every object can be made a text; an object is equal to no other value. */
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

export function identity() {
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

type VmIdentity = v.InferOutput<v.ObjectSchema<ReturnType<typeof identity>, undefined>>;

export function describe(
  vm: VmIdentity,
  payload: Payload,
  storedKeys: readonly string[],
): Instance {
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
