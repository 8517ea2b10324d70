import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Remote, uuidKey } from '../../../src/providers/incus/api/wire.ts';
import type { DataDisk } from '../../conformance/backend.ts';

/** A custom volume as the server lists it. */
export interface Volume {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
}

/** The name that people use in the actions. */
export function nameOf({ name }: Volume): string {
  return `default/${name.slice(37)}`;
}

/** The data disks of an instance, with the text that their guest would find on them. */
export function dataDisksIn(
  { config, devices }: Remote,
  volumes: readonly Volume[],
  placeOf: (name: string) => string,
): readonly DataDisk[] {
  const uuid = config[uuidKey];
  const own = volumes.filter((each) => uuid !== undefined && each.config[uuidKey] === uuid);
  const sources = Object.values(devices).map(({ source }) => source);
  return own.map((volume) => {
    const file = join(placeOf(volume.name), 'content');
    const written = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return {
      name: nameOf(volume),
      attached: sources.includes(volume.name),
      gib: Number(/^(\d+)GiB$/.exec(volume.config['size'] ?? '')?.[1]),
      content: `${written} of ${volume.config['user.outrigger.once']}`,
    };
  });
}
