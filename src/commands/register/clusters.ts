import { Failure } from '../../failure.ts';
import { asText, asTexts, type Entry } from '../api/client.ts';
import { type Actual, findCluster, registrationsOf, resourcesOf } from './actual.ts';
import { detailDifferences, mergeDetails, secretKeys } from './details.ts';
import { planHosts } from './hosts.ts';
import type { Change, Plan } from './plan.ts';
import { registrationUpdate } from './registrations.ts';
import type { Wanted, WantedCluster } from './wanted.ts';

/** Clusters, their registration with the extension, and their hosts. */
export function planClusters(wanted: Wanted, actual: Actual): readonly Plan[] {
  return wanted.clusters.flatMap((cluster) => {
    const there = findCluster(actual, cluster.name);
    if (there === undefined && !cluster.mayBeMade && actual.asked) {
      throw noSuchCluster(cluster.name);
    }
    const own =
      there === undefined && cluster.mayBeMade
        ? creation(wanted, cluster)
        : registration(wanted, actual, cluster, there);
    return [own, planHosts(wanted, actual, cluster, there)];
  });
}

function creation({ zone = '', pod = '', provider }: Wanted, cluster: WantedCluster): Plan {
  const { name, arch, details } = cluster;
  const secrets = secretKeys(provider.settings);
  const change: Change = {
    verb: 'create',
    subject: `cluster ${name}`,
    differences: [
      { what: 'zone', to: zone },
      { what: 'pod', to: pod },
      ...detailDifferences({}, details, secrets),
    ],
    command: 'addCluster',
    parameters: (idOf) => ({
      ...{ clustername: name, hypervisor: 'External', clustertype: 'CloudManaged' },
      ...{ zoneid: idOf(`zone:${zone}`), podid: idOf(`pod:${pod}`) },
      extensionid: idOf('extension'),
      ...(arch === undefined ? {} : { arch }),
      externaldetails: details,
    }),
    makes: `cluster:${name}`,
  };
  return { changes: [change], remarks: [] };
}

function registration(
  wanted: Wanted,
  actual: Actual,
  { name, details }: WantedCluster,
  there: Entry | undefined,
): Plan {
  if (there !== undefined) checkCluster(actual, name, there);
  const registered = registrationsOf(actual.extension).find(({ id }) => id === there?.['id']);
  const secrets = secretKeys(wanted.provider.settings);
  const before = asTexts(registered?.['details']);
  const { prune } = wanted;
  const { details: all, differences } = mergeDetails(before, details, { prune, secrets });
  if (registered !== undefined && differences.length === 0) return { changes: [], remarks: [] };
  const extensionId = (): string => asText(actual.extension?.['id']);
  const change: Change =
    registered === undefined
      ? {
          verb: 'create',
          subject: `registration with cluster ${name}`,
          differences,
          command: 'registerExtension',
          parameters: (idOf) => ({
            ...{ extensionid: idOf('extension'), resourceid: idOf(`cluster:${name}`) },
            resourcetype: 'Cluster',
            details,
          }),
        }
      : registrationUpdate(actual.release, extensionId, registered, differences, all);
  return { changes: [change], remarks: [] };
}

/** CloudStack takes one extension for a cluster, and only for one of the External hypervisor. */
function checkCluster({ others }: Actual, name: string, there: Entry): void {
  const hypervisor = asText(there['hypervisortype']);
  if (hypervisor !== 'External') {
    throw new Failure('conflict', `Cluster ${name} is one of ${hypervisor}, not of External`, {
      advice: 'Make a cluster of the hypervisor External; the system VMs stay where they are',
    });
  }
  const holder = others.find((each) => resourcesOf(each).some(({ id }) => id === there['id']));
  if (holder === undefined) return;
  throw new Failure(
    'conflict',
    `Cluster ${name} is registered with the extension ${asText(holder['name'])} already`,
    { advice: 'A cluster has one extension: unregister that one first (unregisterExtension)' },
  );
}

function noSuchCluster(name: string): Failure {
  return new Failure('not-found', `There is no cluster "${name}" in CloudStack`, {
    advice: 'Write its name or id as listClusters shows it, or put it into the file of --setup',
  });
}
