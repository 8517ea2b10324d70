import { asText, asTexts, type Entry } from '../api/client.ts';
import type { Release } from '../api/release.ts';
import { type Actual, isCalled } from './actual.ts';
import { detailDifferences, mergeDetails, secretKeys } from './details.ts';
import { type Change, joined, type Plan } from './plan.ts';
import type { Wanted, WantedCluster, WantedHost } from './wanted.ts';

/** CloudStack's mark of a detail that goes to the script. */
export const prefix = 'External:';

/** The hosts of a cluster with their details. */
export function planHosts(
  wanted: Wanted,
  actual: Actual,
  cluster: WantedCluster,
  there: Entry | undefined,
): Plan {
  const plans = cluster.hosts.map((host) => {
    const known = actual.hosts.find(
      (each) => isCalled(each, host.name) && each['clusterid'] === there?.['id'],
    );
    return known === undefined
      ? { changes: [creation(wanted, cluster, host)], remarks: [] }
      : update(wanted, host, known, actual.release);
  });
  return joined(plans);
}

/** The details of a host that CloudStack shows, without its prefix; `undefined` if it shows none. */
export function externalDetailsOf(entry: Entry): Readonly<Record<string, string>> | undefined {
  const listed = entry['externaldetails'] ?? entry['details'];
  if (typeof listed !== 'object' || listed === null) return undefined;
  return Object.fromEntries(
    Object.entries(asTexts(listed))
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function creation(
  { zone = '', pod = '', provider }: Wanted,
  cluster: WantedCluster,
  { name, tags, details }: WantedHost,
): Change {
  return {
    verb: 'create',
    subject: `host ${name}`,
    differences: [
      { what: 'cluster', to: cluster.name },
      ...(tags === undefined ? [] : [{ what: 'tags', to: tags }]),
      ...detailDifferences({}, details, secretKeys(provider.settings)),
    ],
    command: 'addHost',
    parameters: (idOf) => ({
      ...{ zoneid: idOf(`zone:${zone}`), podid: idOf(`pod:${pod}`) },
      ...{ clusterid: idOf(`cluster:${cluster.name}`), hypervisor: 'External', url: name },
      // CloudStack demands them and uses them nowhere.
      ...{ username: 'External', password: 'External' },
      ...(tags === undefined ? {} : { hosttags: tags }),
      externaldetails: details,
    }),
    makes: `host:${name}`,
  };
}

function update(
  { provider, prune }: Wanted,
  { name, details }: WantedHost,
  known: Entry,
  { cleansUpDetails }: Release,
): Plan {
  const before = externalDetailsOf(known);
  if (before === undefined) {
    const remark = `CloudStack does not show the details of host ${name}: they are not compared`;
    return { changes: [], remarks: Object.keys(details).length === 0 ? [] : [remark] };
  }
  const secrets = secretKeys(provider.settings);
  const { details: all, differences } = mergeDetails(before, details, { prune, secrets });
  if (differences.length === 0) return { changes: [], remarks: [] };
  const id = asText(known['id']);
  const change: Change = {
    verb: 'update',
    subject: `host ${name}`,
    differences,
    command: 'updateHost',
    // CloudStack takes no details for no change.
    parameters: () =>
      Object.keys(all).length === 0 && cleansUpDetails
        ? { id, cleanupexternaldetails: true }
        : { id, externaldetails: all },
  };
  return { changes: [change], remarks: [] };
}
