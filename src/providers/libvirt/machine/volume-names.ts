/*
 * The names of the volumes that we make. Each begins with the UUID of its instance, which is all that
 * tells whose a volume is that no domain has.
 */

export interface OwnVolume {
  readonly uuid: string;
  readonly use: 'root' | 'data' | 'seed';
  /** Of a data disk. */
  readonly number?: number;
}

const pattern =
  /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(?:[0-9a-f]{8}\.(?:qcow2|raw)|data([1-9]\d?)\.(?:qcow2|raw)|(seed)\.iso)$/;

/** The meaning of a name; `undefined` for every volume that is none of ours. */
export function ownVolume(name: string): OwnVolume | undefined {
  const [, uuid, number, seed] = pattern.exec(name) ?? [];
  if (uuid === undefined) return undefined;
  if (number !== undefined) return { uuid, use: 'data', number: Number(number) };
  return { uuid, use: seed === undefined ? 'root' : 'seed' };
}

/** Every disk that an instance boots from has a name of its own, so that a new one is never taken for an old one. */
export function rootName(uuid: string, once: string, format: string): string {
  return `${uuid}-${once}.${format}`;
}

/** Of two calls that make a disk of one number, only one can make the volume. */
export function dataName(uuid: string, number: number, format: string): string {
  return `${uuid}-data${number}.${format}`;
}

export function seedName(uuid: string): string {
  return `${uuid}-seed.iso`;
}

/** The last part of the path of a volume. */
export function nameAt(path: string | undefined): string {
  return path?.split('/').pop() ?? '';
}
