import { Failure } from '../../failure.ts';
import { type Api, asEntries, asText, asTexts, type Entry } from '../api/client.ts';
import { resourcesOf } from '../register/actual.ts';
import { externalDetailsOf } from '../register/hosts.ts';
import { type Listed, type ListedHost, nicOf } from './listed.ts';

/**
 * Every instance of the External hypervisor, of all accounts and projects.
 *
 * Without `hosts` every instance is taken to be on a host of ours.
 */
export async function listInstances(
  api: Api,
  hosts: KnownHosts | undefined,
): Promise<readonly Listed[]> {
  const everyAccount = { listall: true, hypervisor: 'External' };
  const own = await api.list('listVirtualMachines', everyAccount);
  // Without this, instances of projects are not listed and would count as unknown.
  const projects = await api.list('listVirtualMachines', { ...everyAccount, projectid: '-1' });
  const external = [...own, ...projects].filter(({ hypervisor }) => hypervisor === 'External');
  const byId = new Map(external.map((each) => [asText(each['id']).toLowerCase(), each]));
  return [...byId].map(([uuid, each]) => instanceOf(uuid, each, hosts));
}

/** The ids of the hosts that are looked at, and whether there are others of the hypervisor. */
export interface KnownHosts {
  readonly ours: ReadonlySet<string>;
  readonly others: boolean;
}

function homeOf(hostId: string, hosts: KnownHosts | undefined): Listed['home'] {
  if (hosts === undefined || hosts.ours.has(hostId)) return 'here';
  if (hostId !== '') return 'elsewhere';
  return hosts.others ? 'unknown' : 'here';
}

function instanceOf(uuid: string, entry: Entry, hosts: KnownHosts | undefined): Listed {
  const name = asText(entry['instancename']);
  if (name === '') {
    throw new Failure('denied', 'CloudStack does not show the instance names of instances', {
      advice: 'Use the keys of a root administrator',
    });
  }
  const nics = asEntries(entry['nic']).map((nic) => ({
    ...nicOf(asText(nic['macaddress']), asText(nic['broadcasturi'])),
    uuid: asText(nic['id']).toLowerCase(),
  }));
  const [cpus, mebibytes] = [Number(entry['cpunumber']), Number(entry['memory'])];
  return {
    ...{ uuid, name, state: asText(entry['state']), nics },
    home: homeOf(asText(entry['hostid']), hosts),
    hostName: asText(entry['hostname']) || undefined,
    details: asTexts(entry['details']),
    cpus: cpus > 0 ? cpus : undefined,
    memoryBytes: mebibytes > 0 ? mebibytes * 1024 ** 2 : undefined,
  };
}

/** The hosts of every extension that a provider serves, with the details that CloudStack shows. */
export async function listHosts(
  api: Api,
): Promise<{ readonly hosts: readonly ListedHost[]; readonly known: KnownHosts }> {
  const extensions = await api.list('listExtensions', { details: 'all' });
  const hosts = await api.list('listHosts', {
    ...{ hypervisor: 'External', type: 'Routing', details: 'all' },
  });
  const found = hosts.flatMap((host) => {
    const cluster = host['clusterid'];
    const extension = extensions.find((each) => resourcesOf(each).some(({ id }) => id === cluster));
    const registered = resourcesOf(extension).find(({ id }) => id === cluster);
    const ours = extension === undefined ? [] : hostOf(host, extension, registered);
    return ours.map((listed) => ({ listed, id: asText(host['id']) }));
  });
  return {
    hosts: found.map(({ listed }) => listed),
    known: { ours: new Set(found.map(({ id }) => id)), others: found.length < hosts.length },
  };
}

function hostOf(host: Entry, extension: Entry, registered: Entry | undefined): ListedHost[] {
  const own = externalDetailsOf(host);
  const levels = [
    { name: 'extension', details: asTexts(extension['details']) },
    { name: 'cluster registration', details: asTexts(registered?.['details']) },
    { name: 'host', details: own ?? {} },
  ] as const;
  // Without that detail another extension's script serves the host, and its machines are not ours.
  if (!levels.some(({ details }) => Object.hasOwn(details, 'provider'))) return [];
  const remark = 'CloudStack does not show the details of hosts: give them with --inventory';
  return [
    {
      name: asText(host['name']),
      extension: asText(extension['name']),
      cluster: asText(host['clustername']),
      levels,
      ...(own === undefined ? { remark } : {}),
    },
  ];
}
