import { randomUUID } from 'node:crypto';
import { detailsOf, type Values } from './parameters.ts';
import { failed, wrong } from './refusal.ts';
import type { FakeCluster, FakeExtension, FakeState } from './state.ts';

const root = '/usr/share/cloudstack-management/extensions';
const preparing = 'orchestratorrequirespreparevm';

export function createExtension(state: FakeState, form: Values): object {
  const name = form.get('name') ?? '';
  if (form.get('type') !== 'Orchestrator') throw wrong('Invalid type specified');
  if (state.extensions.some((each) => each.name.toLowerCase() === name.toLowerCase())) {
    throw failed('Extension by name already exists');
  }
  const path = relativePath(name, form.get('path'));
  // A .sh file that is missing is put there, other files are believed to be there.
  if (path.endsWith('.sh')) state.files.add(path);
  const prepares = form.get(preparing);
  const extension: FakeExtension = {
    ...{ id: randomUUID(), name, path, isUserDefined: true },
    description: form.get('description') ?? '',
    state: 'Enabled',
    pathReady: true,
    details: detailsOf(form, 'details'),
    hidden: prepares === undefined ? {} : { [preparing]: prepares },
    reserved: form.get('reservedresourcedetails') ?? '',
  };
  state.extensions.push(extension);
  return { extension: show(state, extension, 'all') };
}

export function updateExtension(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('id'));
  const details = detailsOf(form, 'details');
  const clean = form.get('cleanupdetails') === 'true';
  if (clean) extension.details = {};
  else if (Object.keys(details).length > 0) extension.details = details;
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
  if (state.clusters.some((each) => each.registration?.extensionId === id)) {
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
  register(cluster, extension, detailsOf(form, 'details'));
  return { extension: show(state, extension, 'all') };
}

/** The rules of every registration, the one that comes with a new cluster included. */
export function register(
  cluster: FakeCluster,
  extension: FakeExtension,
  details: Record<string, string>,
): void {
  if (cluster.hypervisor !== 'External') {
    throw failed(`Cluster ID: ${cluster.id} is not of ${cluster.hypervisor} hypervisor type`);
  }
  if (cluster.registration !== undefined) {
    throw failed(`An extension is already registered with this cluster: ${cluster.name}`);
  }
  cluster.registration = { extensionId: extension.id, details };
}

export function unregisterExtension(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('extensionid'));
  const cluster = clusterOf(state, form);
  if (cluster.registration?.extensionId === extension.id) delete cluster.registration;
  return { extension: show(state, extension, 'all') };
}

export function extensionBy(state: FakeState, id: string | undefined): FakeExtension {
  const found = state.extensions.find((each) => each.id === id);
  if (found === undefined) throw wrong(`Unable to find the extension ${id}`);
  return found;
}

function clusterOf(state: FakeState, form: Values): FakeCluster {
  if (form.get('resourcetype') !== 'Cluster') {
    throw wrong('Currently only [Cluster] can be used to register an extension');
  }
  const cluster = state.clusters.find(({ id }) => id === form.get('resourceid'));
  if (cluster === undefined) throw wrong('Invalid cluster ID specified');
  return cluster;
}

function show(state: FakeState, extension: FakeExtension, view: string): object {
  const { id, name, description, path, isUserDefined } = extension;
  const resources = state.clusters
    .filter(({ registration }) => registration?.extensionId === id)
    .map((cluster) => ({
      ...{
        id: cluster.id,
        name: cluster.name,
        type: 'Cluster',
        created: '2026-11-24T10:00:00+0000',
      },
      details: cluster.registration?.details ?? {},
    }));
  const prepares = extension.hidden[preparing];
  const main = !/^4\.2[12]/.test(state.release);
  return {
    ...{ id, name, description, type: 'Orchestrator', path: `${root}/${path}` },
    ...{
      isuserdefined: isUserDefined,
      state: extension.state,
      created: '2026-11-24T10:00:00+0000',
    },
    pathready: extension.pathReady && state.files.has(path),
    ...(prepares === undefined ? {} : { [preparing]: prepares === 'true' }),
    ...(main && extension.reserved !== '' ? { reservedresourcedetails: extension.reserved } : {}),
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
  if (whole.split('/').length > 3) throw wrong('Entry point path cannot be nested more than two');
  return whole;
}
