import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulator } from '../../../src/providers/simulator/index.ts';
import { type CallOptions, makePlace, type Place } from '../../support/world.ts';
import type { Json } from '../recorded.ts';

const folder = join(process.cwd(), 'test/payloads/4.23-network');

export const names: readonly string[] = readdirSync(folder)
  .map((file) => file.replace(/\.json$/, ''))
  .sort();

export const registrationKey = 'physical-network-extension-details';

/** The details that `register` gives the registration with the physical network. */
export const registered = { provider: 'simulator', installation: 'lab-1' };

/** A payload as CloudStack 4.23 wrote it, with the details of `register` added. */
export function recorded(name: string, details: Json = {}): Json {
  const payload = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Json;
  const given = payload[registrationKey] as Json;
  return { ...payload, [registrationKey]: { ...given, ...registered, ...details } };
}

/** The fields of a command, or those of a custom action, which has no envelope. */
export function withFields(payload: Json, fields: Json): Json {
  const inner = payload['payload'] as Json | undefined;
  return inner === undefined
    ? { ...payload, ...fields }
    : { ...payload, payload: { ...inner, ...fields } };
}

const words = [
  ...['ensure-network-device', 'implement-network', 'restore-network', 'shutdown-network'],
  ...['destroy-network', 'save-vm-data', 'save-password', 'save-userdata', 'prepare-nic'],
  ...['release-nic', 'remove-dhcp-entry', 'remove-dns-entry', 'remove-dns-subnet', 'release-ip'],
  ...['delete-static-nat', 'delete-port-forward', 'shutdown-vpc', 'add-dhcp-entry'],
  ...['config-dhcp-subnet', 'add-dns-entry', 'config-dns-subnet', 'assign-ip', 'add-static-nat'],
  ...['add-port-forward', 'apply-fw-rules', 'apply-lb-rules', 'apply-network-acl'],
  ...['implement-vpc', 'custom-action'],
];

/** The command that a recorded payload was for: the end of its file's name tells. */
export function commandOf(name: string): string {
  if (name.endsWith('ensure') || name.includes('ensure-')) return 'ensure-network-device';
  const word = words.find((each) => name.includes(each));
  if (word === undefined) throw new Error(`no command in the name ${name}`);
  return word;
}

export function newPlace(config: Json = {}): Place {
  return makePlace({ simulator: async () => simulator }, config);
}

export interface Answer {
  readonly exitCode: number;
  readonly text: string;
}

/** As CloudStack calls, which allows 60 s in words only. */
export function callNetwork(
  place: Place,
  command: string,
  payload: unknown,
  more: CallOptions = {},
): Promise<Answer> {
  const name = `cs-extnet-${command}-1234.payload`;
  const { file = place.payload(payload, name), timeoutSeconds = 60, ...world } = more;
  return place.begin([command, file, String(timeoutSeconds)], world).result;
}

export function play(place: Place, name: string, details: Json = {}): Promise<Answer> {
  return callNetwork(place, commandOf(name), recorded(name, details));
}
