import { randomUUID } from 'node:crypto';
import { extensionBy, parted, register } from './extensions.ts';
import { genuine } from './genuine/index.ts';
import { kept } from './limits.ts';
import { detailsOf, type Values } from './parameters.ts';
import { broken, failed, noSuch, wrong } from './refusal.ts';
import { type FakeCluster, type FakeHost, type FakeState, pod, type Texts, zone } from './state.ts';

/** The zone of what stands in a zone, by its id. */
export function zoneOf(state: FakeState, zoneId: string = zone.id) {
  const found = state.zones.find(({ id }) => id === zoneId);
  return { zoneid: zoneId, zonename: found?.name ?? zoneId };
}

export function listClusters(state: FakeState, form: Values): object {
  const shown = state.clusters.map((cluster) => ({
    ...showCluster(state, cluster),
    ...ownerOf(state, cluster),
  }));
  return { cluster: shown.filter((each) => fits(each, form, ['id', 'name', 'zoneid', 'podid'])) };
}

/** Whether the entry has what the form asks for. */
export function fits(entry: object, form: Values, names: readonly string[]): boolean {
  return Object.entries(entry).every(
    ([key, value]) => !names.includes(key) || (form.get(key) ?? value) === value,
  );
}

function showCluster(state: FakeState, { id, name, hypervisor, zoneId, podId }: FakeCluster) {
  return {
    ...genuine.cluster,
    ...{ id, name, hypervisortype: hypervisor, ...zoneOf(state, zoneId) },
    ...{ podid: podId ?? pod.id, podname: podId ?? pod.name },
  };
}

/** Only lists tell the extension of a cluster and of its hosts. */
function ownerOf({ extensions }: FakeState, cluster: FakeCluster | undefined) {
  const owner = extensions.find(({ id }) => id === cluster?.registration?.extensionId);
  return owner === undefined ? {} : { extensionid: owner.id, extensionname: owner.name };
}

export function addCluster(state: FakeState, form: Values): object {
  const name = form.get('clustername') ?? '';
  checkPlace(state, 'addCluster', form);
  const hypervisor = form.get('hypervisor') ?? '';
  const extensionId = form.get('extensionid');
  if (extensionId !== undefined && hypervisor !== 'External') {
    throw wrong('Extension can be specified only for External hypervisor type');
  }
  const zoneId = form.get('zoneid') ?? '';
  if (state.clusters.some((each) => each.name === name && (each.zoneId ?? zone.id) === zoneId)) {
    throw failed(`Unable to create cluster ${name} in pod and data center with specified ids`);
  }
  const place = zoneId === zone.id ? {} : { zoneId, podId: form.get('podid') ?? '' };
  const cluster: FakeCluster = { id: randomUUID(), name, hypervisor, ...place };
  if (extensionId !== undefined) {
    const extension = extensionBy(state, extensionId, ['addCluster', 'extensionid']);
    register(state, cluster, extension, detailsOf(form, 'externaldetails'));
  }
  state.clusters.push(cluster);
  return { count: 1, cluster: [showCluster(state, cluster)] };
}

/** Replaces all details of the registration; those that are hidden are gone, too. */
export function updateCluster(state: FakeState, form: Values): object {
  const cluster = state.clusters.find(({ id }) => id === form.get('id'));
  if (cluster === undefined) throw noSuch('updateCluster', 'id', form.get('id'));
  const details = detailsOf(form, 'externaldetails');
  if (Object.keys(details).length > 0) {
    if (cluster.registration === undefined) throw wrong('The cluster has no extension');
    Object.assign(cluster.registration, parted(state, details));
  }
  return { cluster: showCluster(state, cluster) };
}

export function listHosts(state: FakeState, form: Values): object {
  const hypervisor = form.get('hypervisor') ?? 'External';
  const hosts = hypervisor === 'External' ? state.hosts : [];
  const view = form.get('details') ?? 'all';
  return {
    host: hosts
      .map((host) => ({
        ...showHost(state, host, state.showsHostDetails && view === 'all'),
        ...ownerOf(
          state,
          state.clusters.find(({ id }) => id === host.clusterId),
        ),
      }))
      .filter((each) => fits(each, form, ['id', 'name', 'clusterid', 'zoneid'])),
  };
}

function showHost(state: FakeState, host: FakeHost, withDetails: boolean) {
  const { id, name, clusterId, details } = host;
  const cluster = state.clusters.find((each) => each.id === clusterId);
  const { details: own, extensionid: _id, extensionname: _name, ...usual } = genuine.host;
  const { 'External:node': _node, ...besides } = own;
  return {
    ...usual,
    ...{ id, name, clusterid: clusterId, clustername: cluster?.name ?? 'other' },
    ...zoneOf(state, cluster?.zoneId),
    ...(host.resourceState === undefined ? {} : { resourcestate: host.resourceState }),
    ...(withDetails ? { details: { ...besides, ...details } } : {}),
  };
}

export function addHost(state: FakeState, form: Values): object {
  checkPlace(state, 'addHost', form);
  const cluster = state.clusters.find(({ id }) => id === form.get('clusterid'));
  if (cluster === undefined) throw noSuch('addHost', 'clusterid', form.get('clusterid'));
  if (form.get('hypervisor') !== cluster.hypervisor) throw wrong('The hypervisors differ');
  if (cluster.registration === undefined) {
    throw failed(`No extension is registered with the cluster ${cluster.name}`);
  }
  const name = form.get('url') ?? '';
  if (state.hosts.some((each) => each.name === name)) throw broken('Failed to add host');
  const details = hostDetails(state, form);
  const host = { id: randomUUID(), name, clusterId: cluster.id, details };
  state.hosts.push(host);
  return { count: 1, host: [showHost(state, host, true)] };
}

export function updateHost(state: FakeState, form: Values): object {
  const host = state.hosts.find(({ id }) => id === form.get('id'));
  if (host === undefined) throw noSuch('updateHost', 'id', form.get('id'));
  const details = hostDetails(state, form);
  if (form.get('cleanupexternaldetails') === 'true') host.details = {};
  else if (Object.keys(details).length > 0) host.details = details;
  return { host: showHost(state, host, true) };
}

function hostDetails({ release }: FakeState, form: Values): Texts {
  return withPrefix(kept('host', release, detailsOf(form, 'externaldetails')));
}

export function checkPlace({ zones }: FakeState, command: string, form: Values): void {
  const there = zones.find(({ id }) => id === form.get('zoneid'));
  if (there === undefined) throw noSuch(command, 'zoneid', form.get('zoneid'));
  if (there.pods.some(({ id }) => id === form.get('podid'))) return;
  throw wrong(`Pod with id=${form.get('podid')} doesn't belong to the zone`);
}

/** CloudStack's own spelling of the details that go to a script. */
export function withPrefix(details: Texts): Texts {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [`External:${key}`, value]),
  );
}
