import type { Config } from '../api/wire.ts';
import type { Change } from '../machine/config.ts';
import { isCloudInit, isSeed } from '../machine/disks.ts';

/** IDE first, where most guests look; then what else takes a CD. */
const places = [
  ...['ide2', 'ide0', 'ide1', 'ide3'],
  ...Array.from({ length: 6 }, (_, i) => `sata${i}`),
  ...Array.from({ length: 31 }, (_, i) => `scsi${i}`),
];

/**
 * Puts the seed into the one drive that tells the guest something: where the last seed is, else in
 * place of Proxmox VE's own drive for cloud-init, which would be a second one of that label, else where
 * there is room. `undefined` where there is none.
 */
export function attaching(config: Config, volume: string): Change | undefined {
  const own = Object.keys(config).filter((key) => isSeed(config[key] ?? ''));
  const theirs = Object.keys(config).filter((key) => isCloudInit(config[key] ?? ''));
  const [place = places.find((key) => config[key] === undefined), ...others] = [...own, ...theirs];
  if (place === undefined) return undefined;
  const isThere = config[place]?.split(',')[0] === volume;
  return { set: isThere ? {} : { [place]: `${volume},media=cdrom` }, remove: others };
}

/** The drives with a seed, by volume. */
export function seedsIn(config: Config): readonly (readonly [key: string, volume: string])[] {
  return Object.entries(config)
    .filter(([, value]) => isSeed(value))
    .map(([key, value]) => [key, value.split(',')[0] ?? '']);
}
