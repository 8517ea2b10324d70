import { asText, type Json, type JsonObject } from './json.ts';

/**
 * CloudStack's deep merge of an answer into the instance: objects member by member, null
 * overwrites, lists by `uuid` when every entry on both sides has one and else replaced as a whole.
 */
export function merge(original: JsonObject, patch: JsonObject): JsonObject {
  const members = new Map(original.members);
  for (const [key, given] of patch.members) {
    const before = original.members.get(key);
    members.set(key, mergeValue(before, given));
  }
  return { kind: 'object', members };
}

function mergeValue(before: Json | undefined, given: Json): Json {
  if (before?.kind === 'object' && given.kind === 'object') return merge(before, given);
  if (before?.kind !== 'array' || given.kind !== 'array') return given;
  const olds = byUuid(before.items);
  const news = byUuid(given.items);
  if (olds === undefined || news === undefined) return given;
  // Of several entries with one uuid on the instance's side, only the last is left.
  const merged = new Map(olds);
  for (const [uuid, entry] of news) {
    const there = merged.get(uuid);
    merged.set(uuid, there === undefined ? entry : merge(there, entry));
  }
  return { kind: 'array', items: [...merged.values()] };
}

function byUuid(
  items: readonly Json[],
): (readonly [uuid: string, entry: JsonObject])[] | undefined {
  const found = items.flatMap((item) => {
    const uuid = item.kind === 'object' ? asText(item.members.get('uuid')) : undefined;
    return item.kind !== 'object' || uuid === undefined ? [] : [[uuid, item] as const];
  });
  return found.length < items.length ? undefined : found;
}
