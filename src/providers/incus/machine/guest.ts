import type { SizedInstance } from '../../../contract/instance.ts';
import { guestData } from '../../../guest/sources.ts';
import { guestTexts } from '../../../guest/texts.ts';
import type { Config, Machine } from '../api/wire.ts';
import type { Blueprint, Settings } from '../settings.ts';

const userDataKey = 'cloud-init.user-data';
const instanceIdKey = 'volatile.cloud-init.instance-id';

/**
 * The keys that Incus hands to cloud-init as they are. One without a value is written too, so that a
 * start takes back what an earlier one has said.
 */
export function guestConfig(
  { cloud_init, vendor_data_file: vendorData }: Settings,
  instance: SizedInstance,
  { user_data }: Partial<Blueprint>,
): Config {
  const askForAddresses = cloud_init === 'dhcp';
  const guest = guestData({ instance, userData: user_data, vendorData, askForAddresses });
  const texts = guestTexts(guest);
  return {
    [userDataKey]: texts.userData ?? '',
    'cloud-init.vendor-data': texts.vendorData ?? '',
    'cloud-init.network-config': cloud_init === 'off' ? '' : (texts.networkConfig ?? ''),
  };
}

/** Whether the machine has the configuration given; a key that is absent is as good as an empty one. */
export function hasConfig({ incus: { config } }: Machine, wanted: Config): boolean {
  return Object.entries(wanted).every(([key, value]) => (config[key] ?? '') === value);
}

/**
 * The id by which the guest tells whether this is its first boot, as it has to be put back: Incus makes
 * another one with every change of these keys, and only other user data are to run again.
 */
export function keptInstanceId(machine: Machine, wanted: Config): Config | undefined {
  const { config } = machine.incus;
  const id = config[instanceIdKey];
  const sameData = (config[userDataKey] ?? '') === wanted[userDataKey];
  return sameData && id !== undefined ? { [instanceIdKey]: id } : undefined;
}
