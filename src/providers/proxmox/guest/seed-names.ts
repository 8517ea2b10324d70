import { shortHash } from '../../../kit/short-hash.ts';

/*
 * A seed's name says whose it is, in characters that Proxmox VE leaves as they are: the installation,
 * the instance, and the NIC where CloudStack's network half saved it.
 */

export interface SeedName {
  readonly instanceUuid: string;
  /** Only for one that came NIC by NIC, before or beside the machine. */
  readonly nicUuid?: string;
}

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const pattern = new RegExp(`^outrigger-([a-z0-9]{8})-(${uuid})(?:-(${uuid}))?\\.iso$`);

export function seedName(installation: string, { instanceUuid, nicUuid }: SeedName): string {
  const nic = nicUuid === undefined ? '' : `-${nicUuid}`;
  return `outrigger-${signOf(installation)}-${instanceUuid}${nic}.iso`;
}

/** `undefined` for every other file, those of another installation among them. */
export function readSeedName(installation: string, name: string): SeedName | undefined {
  const [, sign, instanceUuid = '', nicUuid] = pattern.exec(name) ?? [];
  if (sign !== signOf(installation)) return undefined;
  return { instanceUuid, ...(nicUuid === undefined ? {} : { nicUuid }) };
}

function signOf(installation: string): string {
  return shortHash(installation, 8).padStart(8, '0');
}

export function volumeOf(storage: string, name: string): string {
  return `${storage}:iso/${name}`;
}
