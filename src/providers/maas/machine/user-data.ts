import type { GuestData } from '../../../contract/guest.ts';
import type { Instance } from '../../../contract/instance.ts';
import { multipart } from '../../../guest/mime.ts';
import { keyConfig } from '../../../guest/public-keys.ts';
import { guestData } from '../../../guest/sources.ts';
import { passwordConfig } from '../../../guest/vendor-data.ts';

/** For Windows, whose cloudbase-init would not find it inside several parts. */
const windows = /^(#ps1|rem cmd|<)/i;

/**
 * The base64 that MAAS wants: the instance's user data, its SSH keys and a new password in one, since
 * MAAS takes nothing else for a guest; `undefined` when there is none of them.
 */
export function userDataFor(
  instance: Pick<Instance, 'sshPublicKey'> & { readonly guest?: GuestData },
  given: string | undefined,
): string | undefined {
  const known = { uuid: '', name: '', deploying: false, stored: {}, ...instance };
  const { userData, publicKeys, password } = guestData({ instance: known, userData: given });
  const ours = [
    ...(publicKeys.length === 0 ? [] : [keyConfig(publicKeys)]),
    ...(password === undefined ? [] : [passwordConfig(password)]),
  ].map((text) => ({ content: Buffer.from(text) }));
  if (userData !== undefined && (ours.length === 0 || windows.test(userData.toString('utf8')))) {
    return userData.toString('base64');
  }
  const parts = [...(userData === undefined ? [] : [{ content: userData }]), ...ours];
  const [only] = parts;
  if (only === undefined) return undefined;
  const whole = parts.length === 1 ? only.content : Buffer.from(multipart(parts));
  return whole.toString('base64');
}
