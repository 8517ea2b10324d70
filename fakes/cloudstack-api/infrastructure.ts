import { randomUUID } from 'node:crypto';
import { extensionBy, register } from './extensions.ts';
import { detailsOf, type Values } from './parameters.ts';
import { failed, wrong } from './refusal.ts';
import { type FakeCluster, type FakeState, osType, pod, type Texts, zone } from './state.ts';

export function listClusters({ clusters }: FakeState): object {
  return {
    cluster: clusters.map(({ id, name, hypervisor, zoneId = zone.id }) => ({
      ...{ id, name, hypervisortype: hypervisor, clustertype: 'CloudManaged' },
      ...{ zoneid: zoneId, podid: pod.id, allocationstate: 'Enabled' },
    })),
  };
}

export function addCluster(state: FakeState, form: Values): object {
  const name = form.get('clustername') ?? '';
  checkPlace(form);
  if (state.clusters.some((each) => each.name === name && each.zoneId === undefined)) {
    throw failed(`Unable to create cluster with name ${name}`);
  }
  const hypervisor = form.get('hypervisor') ?? '';
  const cluster: FakeCluster = { id: randomUUID(), name, hypervisor };
  const extensionId = form.get('extensionid');
  if (extensionId !== undefined) {
    register(cluster, extensionBy(state, extensionId), detailsOf(form, 'externaldetails'));
  }
  state.clusters.push(cluster);
  return { cluster: [{ id: cluster.id, name, hypervisortype: hypervisor }] };
}

export function updateCluster(state: FakeState, form: Values): object {
  const cluster = state.clusters.find(({ id }) => id === form.get('id'));
  if (cluster === undefined) throw wrong('Unable to find the cluster by id');
  const details = detailsOf(form, 'externaldetails');
  if (Object.keys(details).length > 0) {
    if (cluster.registration === undefined) throw wrong('The cluster has no extension');
    cluster.registration.details = details;
  }
  return { cluster: { id: cluster.id, name: cluster.name } };
}

export function listHosts(state: FakeState, form: Values): object {
  const hypervisor = form.get('hypervisor') ?? 'External';
  const hosts = hypervisor === 'External' ? state.hosts : [];
  return {
    host: hosts.map(({ id, name, clusterId, details }) => ({
      ...{ id, name, clusterid: clusterId, hypervisor: 'External', type: 'Routing', state: 'Up' },
      clustername: state.clusters.find((each) => each.id === clusterId)?.name,
      ...(state.showsHostDetails && form.get('details') === 'all' ? { details } : {}),
    })),
  };
}

export function addHost(state: FakeState, form: Values): object {
  checkPlace(form);
  const cluster = state.clusters.find(({ id }) => id === form.get('clusterid'));
  if (cluster === undefined) throw wrong('Unable to find cluster by ID');
  if (form.get('hypervisor') !== cluster.hypervisor) throw wrong('The hypervisors differ');
  if (cluster.registration === undefined) {
    throw failed(`No extension is registered with the cluster ${cluster.name}`);
  }
  const name = form.get('url') ?? '';
  if (state.hosts.some((each) => each.name === name)) throw failed(`There is a host ${name}`);
  const details = withPrefix(detailsOf(form, 'externaldetails'));
  const host = { id: randomUUID(), name, clusterId: cluster.id, details };
  state.hosts.push(host);
  return { host: [{ id: host.id, name }] };
}

export function updateHost(state: FakeState, form: Values): object {
  const host = state.hosts.find(({ id }) => id === form.get('id'));
  if (host === undefined) throw wrong('Host with specified ID does not exist');
  const details = detailsOf(form, 'externaldetails');
  if (Object.keys(details).length > 0) host.details = withPrefix(details);
  return { host: { id: host.id, name: host.name } };
}

export function listTemplates(state: FakeState): object {
  return {
    template: state.templates.map(({ id, name, extensionId, details, zoneId = zone.id }) => ({
      ...{ id, name, zoneid: zoneId, hypervisor: 'External', format: 'EXTERNAL', details },
      extensionid: extensionId,
    })),
  };
}

export function registerTemplate(state: FakeState, form: Values): object {
  if (form.get('zoneid') !== zone.id || form.get('ostypeid') !== osType.id) {
    throw wrong('Please specify a valid zone and OS type');
  }
  const extensionId = form.get('extensionid');
  if (form.get('hypervisor') === 'External') {
    extensionBy(state, extensionId);
    if (form.get('format') !== 'EXTERNAL') throw wrong('The format must be EXTERNAL');
    if (form.get('requireshvm') !== 'true') throw wrong('requireshvm must be true');
  }
  const name = form.get('name') ?? '';
  const details = withPrefix(detailsOf(form, 'externaldetails'));
  const template = { id: randomUUID(), name, extensionId, details };
  state.templates.push(template);
  return { template: [{ id: template.id, name }] };
}

function checkPlace(form: Values): void {
  if (form.get('zoneid') !== zone.id) throw wrong('Unable to find the zone by id');
  if (form.get('podid') !== pod.id) throw wrong('Unable to find the pod by id');
}

function withPrefix(details: Texts): Texts {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [`External:${key}`, value]),
  );
}
