import { createHash } from 'node:crypto';

/**
 * The id by which a guest tells whether it has done the work of its first boot.
 *
 * It changes with the tenant's user data and with nothing else: other keys, addresses, names and
 * operator's data must not make every guest generate its host keys anew. A new root disk remembers no
 * id at all, so that a reinstalled guest begins anew without another one.
 */
export function instanceIdFor(uuid: string, userData: Buffer | undefined): string {
  if (userData === undefined) return uuid;
  return `${uuid}-${createHash('sha256').update(userData).digest('hex').slice(0, 12)}`;
}
