import type { GuestData } from '../contract/guest.ts';
import { Failure } from '../failure.ts';
import { multipart } from './mime.ts';
import { networkConfig } from './network-config.ts';
import { keyConfig } from './public-keys.ts';
import { vendorData } from './vendor-data.ts';

/** The seed as texts, for a remote system that hands them to cloud-init itself. */
export interface GuestTexts {
  readonly userData?: string;
  readonly vendorData?: string;
  readonly networkConfig?: string;
}

/** The keys go into the operator's part, so that the tenant's own data stay whole. */
export function guestTexts(guest: GuestData): GuestTexts {
  const { userData, publicKeys } = guest;
  const network = networkConfig(guest);
  const vendor = vendorData(guest);
  const keys = publicKeys.length === 0 ? undefined : Buffer.from(keyConfig(publicKeys));
  const parts = [vendor, keys].filter((part) => part !== undefined);
  const [only] = parts;
  return {
    ...(userData === undefined ? {} : { userData: textOf(userData) }),
    ...(only === undefined
      ? {}
      : {
          vendorData:
            parts.length === 1 ? textOf(only) : multipart(parts.map((content) => ({ content }))),
        }),
    ...(network === undefined ? {} : { networkConfig: network }),
  };
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes) && !text.includes('\0')) return text;
  const sentence = 'The user data of the instance are no text, such as gzip';
  throw new Failure('unsupported', sentence, {
    advice: 'This remote system takes user data as a text: give CloudStack them uncompressed',
    tenant: sentence,
  });
}
