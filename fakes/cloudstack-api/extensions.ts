import { randomUUID } from 'node:crypto';
import { genuine, hasCome } from './genuine/index.ts';
import { isHidden, kept } from './limits.ts';
import { detailsOf, type Values } from './parameters.ts';
import { failed, noSuch, unfit, wrong } from './refusal.ts';
import type { FakeCluster, FakeExtension, FakeState, Texts } from './state.ts';

const root = '/usr/share/cloudstack-management/extensions';
const preparing = 'orchestratorrequirespreparevm';

export function createExtension(state: FakeState, form: Values): object {
  const name = form.get('name') ?? '';
  const type = form.get('type') ?? '';
  const isNetwork = type === 'NetworkOrchestrator' && hasCome('4.23', state.release);
  if (type !== 'Orchestrator' && !isNetwork) throw failed(`Invalid type specified - ${type}`);
  if (state.extensions.some((each) => each.name.toLowerCase() === name.toLowerCase())) {
    throw failed('Extension by name already exists');
  }
  const path = relativePath(name, form.get('path'));
  // A .sh file that is missing is put there, other files are believed to be there.
  if (path.endsWith('.sh')) state.files.add(path);
  const prepares = form.get(preparing);
  const extension: FakeExtension = {
    ...{ id: randomUUID(), name, path, isUserDefined: true },
    type: isNetwork ? 'NetworkOrchestrator' : 'Orchestrator',
    description: form.get('description') ?? '',
    state: form.get('state') === 'Disabled' ? 'Disabled' : 'Enabled',
    pathReady: true,
    details: kept('extension', state.release, detailsOf(form, 'details')),
    hidden: prepares === undefined ? {} : { [preparing]: prepares },
    reserved: form.get('reservedresourcedetails') ?? '',
  };
  state.extensions.push(extension);
  return { extension: show(state, extension, 'all') };
}

export function updateExtension(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('id'), ['updateExtension', 'id']);
  const details = kept('extension', state.release, detailsOf(form, 'details'));
  const clean = form.get('cleanupdetails') === 'true';
  if (clean) extension.details = {};
  else if (Object.keys(details).length > 0) extension.details = details;
  if (form.has('state')) {
    extension.state = form.get('state') === 'Disabled' ? 'Disabled' : 'Enabled';
  }
  const prepares = form.get(preparing);
  if (prepares !== undefined) extension.hidden[preparing] = prepares;
  extension.description = form.get('description') ?? extension.description;
  extension.reserved = form.get('reservedresourcedetails') ?? extension.reserved;
  return { extension: show(state, extension, 'all') };
}

export function listExtensions(state: FakeState, form: Values): object {
  const view = form.get('details') ?? 'all';
  if (!['all', 'resource', 'external', 'min'].includes(view)) {
    throw wrong(`The details parameter contains a non permitted value: ${view}`);
  }
  const found = state.extensions.filter(
    ({ id, name }) => (form.get('id') ?? id) === id && (form.get('name') ?? name) === name,
  );
  return { extension: found.map((each) => show(state, each, view)) };
}

export function deleteExtension(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('id'));
  const { id } = extension;
  if (!extension.isUserDefined) throw wrong('System extension can not be deleted');
  const registrations = [
    ...state.clusters.flatMap(({ registration }) => registration ?? []),
    ...state.physicalNetworks.flatMap((each) => each.registrations),
  ];
  if (registrations.some(({ extensionId }) => extensionId === id)) {
    throw failed('Extension has associated resources, unregister them to delete the extension');
  }
  const count = state.actions.filter(({ extensionId }) => extensionId === id).length;
  if (count > 0) {
    throw failed(`Extension has ${count} custom actions, delete them to delete the extension`);
  }
  if (state.templates.some(({ extensionId }) => extensionId === id)) {
    throw failed('Extension has associated templates, remove them to delete the extension');
  }
  state.extensions.splice(state.extensions.indexOf(extension), 1);
  if (form.get('cleanup') === 'true') state.files.delete(extension.path);
  return { success: true };
}

export function registerExtension(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('extensionid'));
  const cluster = clusterOf(state, form);
  register(state, cluster, extension, detailsOf(form, 'details'));
  return { extension: show(state, extension, 'all') };
}

/** The rules of every registration, the one that comes with a new cluster included. */
export function register(
  state: FakeState,
  cluster: FakeCluster,
  extension: FakeExtension,
  details: Texts,
): void {
  if (cluster.hypervisor !== 'External') {
    throw failed(`Cluster ID: ${cluster.id} is not of ${cluster.hypervisor} hypervisor type`);
  }
  if (cluster.registration?.extensionId === extension.id) {
    throw failed(
      `Extension: ${extension.name} is already registered with this cluster: ${cluster.name}`,
    );
  }
  if (cluster.registration !== undefined) {
    throw failed(`An extension is already registered with this cluster: ${cluster.name}`);
  }
  cluster.registration = { extensionId: extension.id, ...parted(state, details) };
}

/** Details of a registration: the visible ones, and those that are hidden from the API for good. */
export function parted({ release }: FakeState, details: Texts): { details: Texts; hidden: Texts } {
  const entries = Object.entries(kept('registration', release, details));
  const hides = ([key]: [string, string]): boolean => isHidden(key, release);
  return {
    details: Object.fromEntries(entries.filter((entry) => !hides(entry))),
    hidden: Object.fromEntries(entries.filter(hides)),
  };
}

/** Replaces the visible details and keeps the hidden ones, unless they are given. */
export function updateRegisteredExtension(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('extensionid'));
  const { registration } = clusterOf(state, form);
  if (registration === undefined || registration.extensionId !== extension.id) {
    throw wrong('The extension is not registered with the resource');
  }
  const given = parted(state, detailsOf(form, 'details'));
  if (form.get('cleanupdetails') === 'true')
    Object.assign(registration, { details: {}, hidden: {} });
  else if (Object.keys({ ...given.details, ...given.hidden }).length > 0) {
    registration.details = given.details;
    registration.hidden = { ...registration.hidden, ...given.hidden };
  }
  return { extension: show(state, extension, 'all') };
}

export function unregisterExtension(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('extensionid'));
  const cluster = clusterOf(state, form);
  if (cluster.registration?.extensionId === extension.id) delete cluster.registration;
  return { extension: show(state, extension, 'all') };
}

export function extensionBy(
  state: FakeState,
  id: string | undefined,
  [command, parameter]: readonly [string, string] = ['registerExtension', 'extensionid'],
): FakeExtension {
  const found = state.extensions.find((each) => each.id === id);
  if (found === undefined) throw noSuch(command, parameter, id);
  return found;
}

function clusterOf(state: FakeState, form: Values): FakeCluster {
  if (form.get('resourcetype') !== 'Cluster') {
    const types = hasCome('4.23', state.release) ? 'Cluster, PhysicalNetwork' : 'Cluster';
    throw wrong(`Currently only [[${types}]] can be used to register an extension`);
  }
  const cluster = state.clusters.find(({ id }) => id === form.get('resourceid'));
  if (cluster === undefined) throw wrong('Invalid cluster ID specified');
  return cluster;
}

export function show(state: FakeState, extension: FakeExtension, view: string): object {
  const { id, name, description, path, isUserDefined } = extension;
  const { created } = genuine.extension;
  const resources = state.clusters
    .filter(({ registration }) => registration?.extensionId === id)
    .map((cluster) => ({
      ...{ id: cluster.id, name: cluster.name, type: 'Cluster', created },
      details: cluster.registration?.details ?? {},
    }));
  for (const { id: networkId, name: network, registrations } of state.physicalNetworks) {
    const found = registrations.find(({ extensionId }) => extensionId === id);
    if (found === undefined) continue;
    const { details } = found;
    resources.push({ id: networkId, name: network, type: 'PhysicalNetwork', created, details });
  }
  const prepares = extension.hidden[preparing];
  const tellsReserved = hasCome('4.22.1', state.release);
  return {
    ...{ id, name, type: extension.type ?? 'Orchestrator', path: `${root}/${path}` },
    ...(description === '' ? {} : { description }),
    ...{ isuserdefined: isUserDefined, state: extension.state, created },
    pathready: extension.pathReady && state.files.has(path),
    ...(prepares === undefined ? {} : { [preparing]: prepares === 'true' }),
    ...(tellsReserved && extension.reserved !== ''
      ? { reservedresourcedetails: extension.reserved }
      : {}),
    ...(view === 'min' || view === 'external' || resources.length === 0 ? {} : { resources }),
    ...(view === 'min' || view === 'resource' || Object.keys(extension.details).length === 0
      ? {}
      : { details: extension.details }),
  };
}

/** CloudStack's own reading of a path. */
function relativePath(name: string, given: string | undefined): string {
  // Java counts characters, not their halves.
  const directory = name.replace(/[^a-zA-Z0-9._-]/gu, '_').toLowerCase();
  const path = (given ?? '').replace(/\\/g, '/').replace(/^\//, '');
  if (path === '') return `${directory}/${directory}.sh`;
  if (path === directory) return `${directory}/${directory}`;
  const whole = path.startsWith(`${directory}/`) ? path : `${directory}/${path}`;
  if (whole.split('/').length > 3) {
    throw unfit('Entry point path cannot be nested more than two sub-directories deep');
  }
  return whole;
}
