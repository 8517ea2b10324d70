import { asText, type Json, type JsonObject } from './gson.ts';

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
  // Two entries with one uuid become one here: the last.
  for (const [uuid, entry] of news) {
    const old = olds.get(uuid);
    olds.set(uuid, old === undefined ? entry : merge(old, entry));
  }
  return { kind: 'array', items: [...olds.values()] };
}

function byUuid(items: readonly Json[]): Map<string, JsonObject> | undefined {
  const found = new Map<string, JsonObject>();
  for (const item of items) {
    const uuid = item.kind === 'object' ? asText(item.members.get('uuid')) : undefined;
    if (item.kind !== 'object' || uuid === undefined) return undefined;
    found.set(uuid, item);
  }
  return found;
}
