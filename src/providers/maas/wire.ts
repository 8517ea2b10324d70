import * as v from 'valibot';
import { Failure } from '../../failure.ts';

/* What MAAS really sends, as far as it is used; everything beyond that is ignored. */

function text() {
  return v.fallback(v.nullish(v.string(), ''), '');
}

/** As `text`, on one line: whatever a machine reports about itself may end up in a failure. */
function line() {
  return v.pipe(text(), v.transform(oneLine));
}

function oneLine(given: string): string {
  const plain = given.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return plain.length > 200 ? `${plain.slice(0, 200)}...` : plain;
}

function number() {
  return v.fallback(v.nullish(v.number(), 0), 0);
}

function named() {
  return v.fallback(v.nullish(v.object({ name: text() })), undefined);
}

function link() {
  return v.object({
    mode: text(),
    ip_address: text(),
    subnet: v.fallback(v.nullish(v.object({ name: text(), cidr: text() })), undefined),
  });
}

function nic() {
  return v.object({
    id: number(),
    name: text(),
    mac_address: text(),
    type: text(),
    links: v.fallback(v.nullish(v.array(link()), []), []),
  });
}

function machine() {
  return v.object({
    system_id: v.string(),
    status: v.number(),
    hostname: line(),
    status_name: line(),
    status_message: line(),
    error_description: line(),
    power_state: text(),
    power_type: text(),
    owner: text(),
    architecture: text(),
    cpu_count: number(),
    memory: number(),
    osystem: text(),
    distro_series: text(),
    locked: v.fallback(v.nullish(v.boolean(), false), false),
    pool: named(),
    zone: named(),
    tag_names: v.fallback(v.nullish(v.array(v.string()), []), []),
    ip_addresses: v.fallback(v.nullish(v.array(v.string()), []), []),
    interface_set: v.fallback(v.nullish(v.array(nic()), []), []),
    boot_interface: v.fallback(v.nullish(nic()), undefined),
    workload_annotations: v.nullish(v.record(v.string(), v.string())),
    /** The name of the same thing in older versions. */
    owner_data: v.nullish(v.record(v.string(), v.string())),
  });
}

export type Machine = v.InferOutput<ReturnType<typeof machine>>;
export type Interface = v.InferOutput<ReturnType<typeof nic>>;

let machineSchema: ReturnType<typeof machine> | undefined;

export function readMachine(json: unknown): Machine {
  machineSchema ??= machine();
  return read(machineSchema, json, 'a machine');
}

export function readMachines(json: unknown): readonly Machine[] {
  if (!Array.isArray(json)) throw strange('a list of machines');
  return json.map(readMachine);
}

/** `power_off` of a machine that MAAS cannot switch answers `null`. */
export function readMachineOrNull(json: unknown): Machine | undefined {
  return json === null ? undefined : readMachine(json);
}

export function readPowerState(json: unknown): string {
  return read(v.object({ state: text() }), json, 'a power state').state;
}

export interface Me {
  readonly username: string;
  readonly is_superuser: boolean;
}

export function readMe(json: unknown): Me {
  const schema = v.object({
    username: v.string(),
    is_superuser: v.fallback(v.nullish(v.boolean(), false), false),
  });
  return read(schema, json, 'a user');
}

export interface MaasEvent {
  readonly level: string;
  readonly created: string;
  readonly type: string;
  readonly description: string;
}

/** The newest first. */
export function readEvents(json: unknown): readonly MaasEvent[] {
  const event = v.object({ level: text(), created: line(), type: line(), description: line() });
  return read(v.object({ events: v.array(event) }), json, 'events').events;
}

export function readVersion(json: unknown): string {
  return read(v.object({ version: text() }), json, 'a version').version;
}

export interface BootResource {
  readonly name: string;
  readonly architecture: string;
  readonly type: string;
}

export function readBootResources(json: unknown): readonly BootResource[] {
  const resource = v.object({ name: text(), architecture: text(), type: text() });
  return read(v.array(resource), json, 'boot resources');
}

export interface Vlan {
  readonly name: string;
  readonly vid: number;
  readonly dhcp_on: boolean;
}

export function readFabrics(
  json: unknown,
): readonly { readonly name: string; readonly vlans: readonly Vlan[] }[] {
  const vlan = v.object({
    name: text(),
    vid: number(),
    dhcp_on: v.fallback(v.nullish(v.boolean(), false), false),
  });
  const fabric = v.object({ name: text(), vlans: v.fallback(v.nullish(v.array(vlan), []), []) });
  return read(v.array(fabric), json, 'fabrics');
}

export function readBootSources(json: unknown): readonly string[] {
  return read(v.array(v.object({ url: text() })), json, 'boot sources').map(({ url }) => url);
}

function read<S extends v.GenericSchema>(schema: S, json: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const path = v.getDotPath(result.issues[0]) ?? 'the answer';
  throw strange(what, ` (${path}: ${result.issues[0].message})`);
}

function strange(what: string, why = ''): Failure {
  return new Failure('upstream', `MAAS sent something that is not ${what}${why}`);
}
