import { status } from '../api/statuses.ts';
import type { Seen } from './match.ts';

/** Why the machine cannot be adopted: MAAS lets only the owner write on a machine, administrators included. */
export function unadoptable({ machine, account }: Seen): string | undefined {
  const { status: now, status_name: word, owner, locked } = machine;
  if (now !== status.deployed) return `it is "${word}" and not deployed`;
  if (owner === '') return 'it belongs to no MAAS user, so that MAAS lets no user mark it';
  if (account !== undefined && owner !== account) {
    return `it belongs to the MAAS user ${owner}, and MAAS lets only its owner mark it: use a key of ${owner} on this host`;
  }
  return locked ? 'it is locked in MAAS: unlock it first' : undefined;
}
