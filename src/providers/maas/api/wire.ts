import * as v from 'valibot';
import { line, number, read, strange, text } from './schemas.ts';

/* The real answers of MAAS, as far as they are used; everything beyond that is ignored. */

function named() {
  return v.fallback(v.nullish(v.object({ name: text() })), undefined);
}

function link() {
  return v.object({
    ip_address: text(),
    subnet: v.fallback(v.nullish(v.object({ name: text(), cidr: text() })), undefined),
  });
}

function nic() {
  return v.object({
    name: text(),
    mac_address: text(),
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
  readonly created: string;
  readonly type: string;
  readonly description: string;
}

/** The newest first. */
export function readEvents(json: unknown): readonly MaasEvent[] {
  const event = v.object({ created: line(), type: line(), description: line() });
  return read(v.object({ events: v.array(event) }), json, 'events').events;
}
