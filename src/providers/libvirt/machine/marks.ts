import type { Mark } from '../../../contract/machine.ts';
import { expectFailure } from '../../../failure.ts';
import { node, readTree, textIn, writeTree, type XmlNode } from '../../../kit/xml/tree.ts';
import { readMark, writeMark } from '../../../lifecycle/mark.ts';
import { prefixOf } from '../api/domains.ts';
import { brokenXml } from '../api/volumes.ts';

/*
 * The elements that we keep in a domain's metadata, each under a namespace of its own, so that each can
 * be written without touching the others: the mark, the announcement of a removal, a note of the disk
 * that the domain was made with, and one for each further pool with volumes of the instance.
 */

export const uris = {
  mark: 'urn:outrigger:mark:1',
  removing: 'urn:outrigger:removing:1',
  made: 'urn:outrigger:made:1',
} as const;

/** From where a domain's disk was made, and what it is called. */
export interface Made {
  readonly pool: string;
  readonly volume: string;
  /** The template as `pool/volume`; empty for a disk that began empty. */
  readonly from: string;
  readonly bytes: string;
  readonly manner: 'linked' | 'full' | 'empty';
}

export function elementFor(
  name: keyof typeof uris,
  attributes: Readonly<Record<string, string>> = {},
  content?: string,
): XmlNode {
  const uri = uris[name];
  const prefix = prefixOf(uri);
  return node(`${prefix}:${name}`, { [`xmlns:${prefix}`]: uri, ...attributes }, content);
}

export function markElement(mark: Mark): XmlNode {
  return elementFor('mark', {}, writeMark(mark));
}

export function madeElement({ pool, volume, from, bytes, manner }: Made): XmlNode {
  return elementFor('made', { pool, volume, from, bytes, manner });
}

/** The mark in the element that libvirt hands back. */
export function markIn(xml: string | undefined): Mark | 'unreadable' | undefined {
  if (xml === undefined) return undefined;
  try {
    return readMark(textIn(readTree(xml, brokenXml))) ?? 'unreadable';
  } catch (thrown) {
    expectFailure(thrown);
    return 'unreadable';
  }
}

/** Two calls that note two pools at once leave both notes. */
export function poolUri(name: string): string {
  return `urn:outrigger:pool${Buffer.from(name).toString('hex')}:1`;
}

export function poolElement(name: string): XmlNode {
  const uri = poolUri(name);
  const prefix = prefixOf(uri);
  return node(`${prefix}:pool`, { [`xmlns:${prefix}`]: uri, name });
}

/** The note in the element that libvirt hands back. */
export function madeIn(xml: string | undefined): Made | undefined {
  return madeFrom(xml === undefined ? undefined : readTree(xml, brokenXml));
}

/** `undefined` for a note that lacks a part. */
export function madeFrom(element: XmlNode | undefined): Made | undefined {
  const { pool, volume, from, bytes, manner } = element?.attributes ?? {};
  if (pool === undefined || volume === undefined || from === undefined || bytes === undefined) {
    return undefined;
  }
  if (manner !== 'linked' && manner !== 'full' && manner !== 'empty') return undefined;
  return { pool, volume, from, bytes, manner };
}

/** The element as libvirt takes it for writing: it adds prefix and namespace itself, and fails for one that has them. */
export function bareText({ tag, attributes, children }: XmlNode): string {
  const own = Object.entries(attributes).filter(([name]) => !name.startsWith('xmlns:'));
  const name = tag.slice(tag.indexOf(':') + 1);
  return writeTree({ tag: name, attributes: Object.fromEntries(own), children });
}
