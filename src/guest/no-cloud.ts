import type { GuestData } from '../contract/guest.ts';
import type { IsoFile } from './iso/image.ts';
import { networkConfig } from './network-config.ts';
import { vendorData } from './vendor-data.ts';
import { yaml } from './yaml.ts';

/** Names of cloud-init's own in the metadata: a tenant's fact of such a name is left out. */
const reserved = new Set([
  ...['instance-id', 'local-hostname', 'hostname', 'public-keys', 'public_keys'],
  ...['dsmode', 'seedfrom', 'network-interfaces', 'network_config', 'network-config'],
]);

/** The files of a seed for cloud-init's source NoCloud; cloudbase-init can be told to read it too. */
export function noCloudFiles(guest: GuestData): readonly IsoFile[] {
  const network = networkConfig(guest);
  const vendor = vendorData(guest);
  return [
    { path: 'meta-data', content: Buffer.from(`${yaml(metaData(guest))}\n`) },
    { path: 'user-data', content: guest.userData ?? Buffer.alloc(0) },
    ...(vendor === undefined ? [] : [{ path: 'vendor-data', content: vendor }]),
    ...(network === undefined ? [] : [{ path: 'network-config', content: Buffer.from(network) }]),
  ];
}

function metaData({ instanceId, hostname, publicKeys, metadata }: GuestData) {
  const facts = Object.entries(metadata).filter(
    ([key]) => !reserved.has(key) && /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/.test(key),
  );
  return {
    ...Object.fromEntries(facts),
    'instance-id': instanceId,
    'local-hostname': hostname,
    ...(publicKeys.length === 0 ? {} : { 'public-keys': publicKeys }),
  };
}
