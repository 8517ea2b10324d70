/*
 * One tag per machine that says whose it is. Lists carry tags but no descriptions, so that a
 * thousand machines can be told apart with one request. It serves reading: nothing is changed on
 * its word alone, for that the mark in the description is read.
 */

/** The contents of the tag; `vmid` exposes a copy, which takes the tag along. */
export interface Index {
  readonly vmid: string;
  readonly uuid: string;
  /** The node that the machine was made on. */
  readonly home: string;
  readonly installation: string;
  /** CloudStack's instance name with its case. */
  readonly name: string;
}

const version = 'or1';
/** No part can hold it, since a plus sign in a part is followed by a letter. */
const seam = '+.';

/** Tags are lower-cased by most clusters: a capital is written as a plus sign and the small letter. */
export function writeIndex({ vmid, uuid, home, installation, name }: Index): string {
  return [
    version,
    vmid,
    uuid.replace(/-/g, ''),
    ...[home, installation, name].map(withoutCapitals),
  ].join(seam);
}

/** The index among the tags of a machine; `undefined` without one that can be read. */
export function readIndex(tags: string | undefined): Index | undefined {
  if (tags === undefined || !tags.includes(version + seam)) return undefined;
  const own = tags.split(/[;, ]+/).filter((tag) => tag.startsWith(version + seam));
  const [, vmid = '', hex = '', home = '', installation = '', name = ''] =
    own[0]?.split(seam) ?? [];
  if (own.length !== 1 || !/^\d+$/.test(vmid) || !/^[0-9a-f]{32}$/.test(hex) || name === '') {
    return undefined;
  }
  return {
    vmid,
    uuid: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    home: withCapitals(home),
    installation: withCapitals(installation),
    name: withCapitals(name),
  };
}

/** The index tags in a list of tags, readable or not. */
export function isIndexTag(tag: string): boolean {
  return /^or\d+\+\./.test(tag);
}

function withoutCapitals(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`);
}

function withCapitals(text: string): string {
  return text.replace(/\+([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
