import type { Members } from '../json.ts';
import { fromPlain, parseGson } from './gson.ts';
import { unfitMember } from './instance-types.ts';
import { asText, type Json, type JsonObject, toPlain } from './json.ts';
import { merge } from './merge.ts';

const keptOfNic = ['mac', 'ip', 'ip6address'] as const;
const known = ['nics', 'details', 'status', 'message', 'error', 'success', 'printmessage'];

/** The members of a NIC that CloudStack stores. */
export interface PreparedNic {
  readonly nicUuid: string;
  readonly mac?: string;
  readonly ip?: string;
  readonly ip6address?: string;
}

/** The part of a prepare answer that CloudStack stores. */
export interface Prepared {
  readonly nics: readonly PreparedNic[];
  /** Added or changed details of the instance; null is stored as such. */
  readonly details: Readonly<Record<string, string | null>>;
  /** Members of the answer that CloudStack ignores, and why. */
  readonly ignored: readonly string[];
}

/** Merges an answer into the payload's instance; a text says what "Failed to parse VM" is about. */
export function readPrepared(text: string, payload: Members | undefined): Prepared | string {
  if (text === '') return { nics: [], details: {}, ignored: [] };
  const patch = parseGson(text);
  if (patch?.kind !== 'object') return 'the output is not one JSON object';
  const given = fromPlain(payload?.['cloudstack.vm.details'] ?? {});
  const original: JsonObject =
    given.kind === 'object' ? given : { kind: 'object', members: new Map() };
  const merged = merge(original, patch);
  const unfit = unfitMember(merged);
  if (unfit !== undefined) return `"${unfit}" has a type that does not fit`;
  return {
    nics: changedNics(entries(original, 'nics'), entries(merged, 'nics')),
    details: changedDetails(original.members.get('details'), merged.members.get('details')),
    ignored: [...ignoredMembers(patch), ...ignoredNics(original, patch)],
  };
}

function changedNics(before: readonly JsonObject[], after: readonly JsonObject[]): PreparedNic[] {
  return after.flatMap((nic) => {
    const nicUuid = member(nic, 'nicUuid');
    const old = before.find((each) => member(each, 'nicUuid') === nicUuid);
    if (nicUuid === undefined || old === undefined) return [];
    const changes = keptOfNic
      .map((key) => [key, member(nic, key)] as const)
      .filter(([key, value]) => value !== undefined && value !== member(old, key));
    return changes.length === 0 ? [] : [{ nicUuid, ...Object.fromEntries(changes) }];
  });
}

function changedDetails(before: Json | undefined, after: Json | undefined): Prepared['details'] {
  if (after?.kind !== 'object') return {};
  const old = before?.kind === 'object' ? before.members : new Map<string, Json>();
  const changes = [...after.members]
    .map(([key, value]) => [key, asText(value) ?? null, asText(old.get(key))] as const)
    .filter(([, value, was]) => value !== was);
  return Object.fromEntries(changes.map(([key, value]) => [key, value]));
}

function ignoredMembers(patch: JsonObject): string[] {
  const fields = [...patch.members.keys()].filter((key) => !known.includes(key));
  return fields.map((key) => `"${key}": only NICs and details are kept`);
}

function ignoredNics(original: JsonObject, patch: JsonObject): string[] {
  const own = entries(original, 'nics');
  return entries(patch, 'nics').flatMap((nic) => {
    const why = whyIgnored(nic, own);
    if (why !== undefined) return [`NIC ${JSON.stringify(toPlain(nic))}: ${why}`];
    const kept: readonly string[] = ['nicUuid', 'uuid', ...keptOfNic];
    return [...nic.members.keys()]
      .filter((key) => !kept.includes(key))
      .map((key) => `"${key}" of a NIC: only mac, ip and ip6address are kept`);
  });
}

function whyIgnored(nic: JsonObject, own: readonly JsonObject[]): string | undefined {
  const nicUuid = member(nic, 'nicUuid');
  const uuid = member(nic, 'uuid');
  const others = (key: string, value: string | undefined): number =>
    own.filter((each) => member(each, key) === value).length;
  if (nicUuid !== undefined) {
    return others('nicUuid', nicUuid) === 0
      ? 'the instance has no NIC with this nicUuid'
      : undefined;
  }
  if (uuid === undefined) return 'it carries no nicUuid, by which NICs are matched';
  if (others('nicUuid', uuid) > 0) return `"uuid" is the network's; a NIC's own goes by "nicUuid"`;
  const onNetwork = others('uuid', uuid);
  if (onNetwork === 0) return 'the instance has no NIC on the network with this uuid';
  return onNetwork > 1
    ? 'the instance has several NICs on this network: only the last counts'
    : undefined;
}

function entries(json: JsonObject, key: string): JsonObject[] {
  const list = json.members.get(key);
  if (list?.kind !== 'array') return [];
  return list.items.filter((item): item is JsonObject => item.kind === 'object');
}

function member(json: JsonObject, key: string): string | undefined {
  return asText(json.members.get(key));
}
