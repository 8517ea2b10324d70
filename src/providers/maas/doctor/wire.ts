import * as v from 'valibot';
import { number, read, text } from '../api/schemas.ts';

/* The answers of MAAS about itself, which only doctor asks for. */

export function readVersion(json: unknown): string {
  return read(v.object({ version: text() }), json, 'a version').version;
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
