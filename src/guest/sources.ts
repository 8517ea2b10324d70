import type { GuestData } from '../contract/guest.ts';
import type { Instance, SizedInstance } from '../contract/instance.ts';
import { instanceIdFor } from './instance-id.ts';
import { keysIn } from './public-keys.ts';
import { userDataBytes } from './user-data.ts';

/** All places that say something to a guest, as one call knows them. */
export interface Sources {
  readonly instance: Instance & Partial<Pick<SizedInstance, 'guest' | 'nics'>>;
  /** Detail `user_data`. */
  readonly userData?: string | undefined;
  /** The operator's setting `vendor_data`. */
  readonly vendorData?: string | undefined;
  /** The operator wants guests to ask for their addresses, although CloudStack has chosen some. */
  readonly askForAddresses?: boolean;
}

/** The data for the guest: CloudStack's own data where there are any, else the details. */
export function guestData(sources: Sources): GuestData {
  const { instance, userData, vendorData, askForAddresses = false } = sources;
  const { guest, nics = [] } = instance;
  const bytes = guest?.userData ?? (userData === undefined ? undefined : userDataBytes(userData));
  const keys = guest?.publicKeys ?? [];
  return {
    hostname: instance.name,
    metadata: {},
    ...guest,
    instanceId: instanceIdFor(instance.uuid, bytes),
    publicKeys: keys.length > 0 ? keys : keysIn(instance.sshPublicKey),
    nics: askForAddresses ? nics.map(({ mac, isDefault }) => ({ mac, isDefault })) : nics,
    ...(bytes === undefined ? {} : { userData: bytes }),
    ...(vendorData === undefined ? {} : { vendorData: Buffer.from(vendorData) }),
  };
}

/** Whether the guest is to get more than its hostname, its keys and its addresses. */
export function needsSeed({
  userData,
  password,
}: Pick<GuestData, 'userData' | 'password'>): boolean {
  return userData !== undefined || password !== undefined;
}
