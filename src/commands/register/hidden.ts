import { Failure } from '../../failure.ts';
import type { Release } from '../api/release.ts';
import type { Wanted } from './wanted.ts';

/** CloudStack 4.23 keeps these of a registration with a cluster to itself, in any case of letters. */
const hidden = /^(password|sshkey)$/i;

/** Throws `usage` for details that the file would never get: each instance would fail for want of them. */
export function checkHidden(
  { clusters }: Pick<Wanted, 'clusters'>,
  { updatesRegistrations, version }: Release,
): void {
  if (!updatesRegistrations) return;
  const lost = clusters.flatMap(({ name, details }) =>
    Object.keys(details)
      .filter((key) => hidden.test(key))
      .map((key) => `"${key}" of cluster ${name}`),
  );
  if (lost.length === 0) return;
  throw new Failure('usage', `CloudStack ${version} would hand over no detail ${lost.join(', ')}`, {
    advice:
      'It hides details of these names in registrations with clusters: set them on the extension or on the hosts, or name a file with password_file',
  });
}
