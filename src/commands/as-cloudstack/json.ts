/*
 * JSON as CloudStack has read it. Numbers keep their text, since "5900" and "5900.0" are not the
 * same port to CloudStack.
 */

export type Json =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly Json[] }
  | JsonObject;

export interface JsonObject {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, Json>;
}

/** The result of `getAsString`: scalars as text, a list of one as its entry. */
export function asText(json: Json | undefined): string | undefined {
  if (json?.kind === 'string') return json.value;
  if (json?.kind === 'number') return json.text;
  if (json?.kind === 'boolean') return String(json.value);
  return json?.kind === 'array' && json.items.length === 1 ? asText(json.items[0]) : undefined;
}

/** Plain values, for showing. */
export function toPlain(json: Json): unknown {
  if (json.kind === 'null') return null;
  if (json.kind === 'array') return json.items.map(toPlain);
  if (json.kind === 'number') return Number(json.text);
  if (json.kind !== 'object') return json.value;
  return Object.fromEntries([...json.members].map(([key, value]) => [key, toPlain(value)]));
}
