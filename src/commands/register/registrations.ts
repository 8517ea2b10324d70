import { asText, asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import type { Release } from '../api/release.ts';
import { type Actual, findCluster, registrationsOf } from './actual.ts';
import { detailDifferences } from './details.ts';
import type { Change, Difference, Plan } from './plan.ts';
import type { Wanted } from './wanted.ts';

/** The change that gives a registration these details: all of them, since those not sent again are gone. */
export function registrationUpdate(
  { updatesRegistrations }: Release,
  extensionId: () => string,
  registered: Entry,
  differences: readonly Difference[],
  details: Texts,
): Change {
  const resourceid = asText(registered['id']);
  const change = {
    verb: 'update' as const,
    subject: `registration with cluster ${asText(registered['name'])}`,
    differences,
  };
  // updateCluster would drop the hidden details, which exist from the release on that has the other call.
  return updatesRegistrations
    ? {
        ...change,
        command: 'updateRegisteredExtension',
        parameters: () => ({
          ...{ extensionid: extensionId(), resourceid, resourcetype: 'Cluster' },
          details,
        }),
      }
    : {
        ...change,
        command: 'updateCluster',
        parameters: () => ({ id: resourceid, externaldetails: details }),
      };
}

/** The installation in the registrations that the operator has not named: a second place to keep it. */
export function planOtherRegistrations(wanted: Wanted, actual: Actual): Plan {
  const { extension, release } = actual;
  const named = wanted.clusters.map(({ name }) => findCluster(actual, name)?.['id']);
  const { installation = '' } = wanted.details;
  const changes = registrationsOf(extension)
    .filter(({ id }) => !named.includes(id))
    .flatMap((registered) => {
      const before = asTexts(registered['details']);
      const after = { ...before, installation };
      const differences = detailDifferences(before, { installation }, new Set());
      if (differences.length === 0) return [];
      const id = (): string => asText(extension?.['id']);
      return [registrationUpdate(release, id, registered, differences, after)];
    });
  return { changes, remarks: [] };
}
