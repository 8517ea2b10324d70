import { Failure, remoteMessage } from '../../failure.ts';
import { type Api, asEntries, asText, type Entry } from '../api/client.ts';
import { type Release, readRelease } from '../api/release.ts';
import { directoryOf } from './names.ts';
import type { Reference } from './plan.ts';
import type { Wanted } from './wanted.ts';

/** The registration as CloudStack has it now. */
export interface Actual {
  /** CloudStack was asked; else nothing that is missing here is known to be missing. */
  readonly asked: boolean;
  readonly release: Release;
  readonly extension: Entry | undefined;
  /** All other extensions. */
  readonly others: readonly Entry[];
  readonly actions: readonly Entry[];
  readonly clusters: readonly Entry[];
  /** Of the External hypervisor only. */
  readonly hosts: readonly Entry[];
  readonly templates: readonly Entry[];
  readonly ids: ReadonlyMap<Reference, string>;
}

/** A CloudStack that knows nothing, for an operator who only wants to see the calls. */
export function nothingKnown(release: Release): Actual {
  const none = { others: [], actions: [], clusters: [], hosts: [], templates: [] };
  return { asked: false, release, extension: undefined, ...none, ids: new Map() };
}

/** Asks for what the plan needs; throws before anything is changed when it cannot be carried out. */
export async function readActual(api: Api, wanted: Wanted): Promise<Actual> {
  const release = await readRelease(api);
  const all = await api.list('listExtensions', { details: 'all' });
  const extension = all.find((each) => isCalled(each, wanted.name));
  const others = all.filter((each) => each !== extension);
  checkCase(wanted, extension);
  checkDirectory(wanted, extension, others);
  const id = asText(extension?.['id']);
  const ids = new Map(await places(api, wanted));
  // Other zones may have clusters and templates of the same names.
  const zoneId = ids.get(`zone:${wanted.zone}`);
  const isHere = ({ zoneid }: Entry): boolean => zoneId === undefined || zoneid === zoneId;
  if (extension !== undefined) ids.set('extension', id);
  const beyond = wanted.clusters.length > 0;
  const clusters = beyond ? await api.list('listClusters') : [];
  const served = registrationsOf(extension).length > 0;
  const hosts =
    served || wanted.clusters.some(({ hosts: some }) => some.length > 0)
      ? await api.list('listHosts', { hypervisor: 'External', type: 'Routing', details: 'all' })
      : [];
  const templates =
    wanted.templates.length > 0 ? (await templatesOf(api, extension)).filter(isHere) : [];
  if (templates.length < wanted.templates.length) await demandImageStore(api, wanted, zoneId);
  return {
    asked: true,
    ...{ release, extension, others, hosts, ids, templates },
    clusters: clusters.filter(isHere),
    actions:
      extension === undefined ? [] : await api.list('listCustomActions', { extensionid: id }),
  };
}

/**
 * The templates of the extension alone: names need not be unique, and one broken template of another
 * extension would break the list of all.
 */
export async function templatesOf(
  api: Api,
  extension: Entry | undefined,
): Promise<readonly Entry[]> {
  if (extension === undefined) return [];
  const extensionid = asText(extension['id']);
  try {
    return await api.list('listTemplates', { templatefilter: 'all', extensionid });
  } catch (thrown) {
    if (!/dataStoreId" is null/.test(remoteMessage(thrown))) throw thrown;
    throw new Failure(
      'upstream',
      'CloudStack cannot list templates: one of them was registered in a zone without an image store',
      { advice: imageStoreAdvice },
    );
  }
}

const imageStoreAdvice =
  'Give the zone an image store, which is never mounted for templates of the External hypervisor: addImageStore zoneid=ID provider=NFS url=nfs://SERVER/PATH';

/** Without one registerTemplate fails half-way, and every list with that template fails afterwards. */
async function demandImageStore(api: Api, { zone = '' }: Wanted, zoneid = ''): Promise<void> {
  const stores = await api.list('listImageStores', { zoneid });
  if (stores.length > 0) return;
  throw new Failure(
    'conflict',
    `The zone ${zone} has no image store: its first template would break listTemplates for the whole cloud`,
    { advice: imageStoreAdvice },
  );
}

/** Names as CloudStack compares them: without their case. */
export function isCalled(entry: Entry, name: string): boolean {
  return asText(entry['name']).toLowerCase() === name.toLowerCase();
}

/** The resources that an extension is registered with. */
export function resourcesOf(extension: Entry | undefined): readonly Entry[] {
  return asEntries(extension?.['resources']);
}

/** The registrations with clusters: a network extension has others. */
export function registrationsOf(extension: Entry | undefined): readonly Entry[] {
  return resourcesOf(extension).filter(({ type }) => type === 'Cluster');
}

/** The cluster by its name or id. */
export function findCluster({ clusters }: Actual, name: string): Entry | undefined {
  return clusters.find((each) => each['id'] === name) ?? clusters.find((e) => isCalled(e, name));
}

/** CloudStack ignores the case of names, so that another extension could be changed by mistake. */
function checkCase({ name }: Wanted, extension: Entry | undefined): void {
  const there = asText(extension?.['name']);
  if (extension === undefined || there === name) return;
  throw new Failure('conflict', `CloudStack has an extension "${there}" already`, {
    advice: `Write it like that if it is meant, or choose another name than "${name}"`,
  });
}

/** Two extensions whose names come down to one directory would run each other's file. */
function checkDirectory(wanted: Wanted, own: Entry | undefined, others: readonly Entry[]): void {
  if (own !== undefined) return;
  const other = others.find(
    (each) => directoryOf(asText(each['name'])) === directoryOf(wanted.name),
  );
  if (other === undefined) return;
  throw new Failure(
    'conflict',
    `The extension "${asText(other['name'])}" has the same directory as "${wanted.name}" would`,
    { advice: 'Choose another name' },
  );
}

async function places(api: Api, wanted: Wanted): Promise<(readonly [Reference, string])[]> {
  const { zone, pod, templates } = wanted;
  const found: (readonly [Reference, string])[] = [];
  if (zone === undefined) return found;
  const zoneId = await idOf(api, 'listZones', {}, 'zone', zone);
  found.push([`zone:${zone}`, zoneId]);
  if (pod !== undefined) {
    found.push([`pod:${pod}`, await idOf(api, 'listPods', { zoneid: zoneId }, 'pod', pod)]);
  }
  for (const name of new Set(templates.map(({ ostype }) => ostype))) {
    found.push([`ostype:${name}`, await idOf(api, 'listOsTypes', {}, 'OS type', name)]);
  }
  return found;
}

async function idOf(
  api: Api,
  command: string,
  parameters: Readonly<Record<string, string>>,
  what: string,
  name: string,
): Promise<string> {
  const entries = await api.list(command, parameters);
  const found = entries.find(
    (each) => isCalled(each, name) || asText(each['description']) === name || each['id'] === name,
  );
  if (found !== undefined) return asText(found['id']);
  throw new Failure('not-found', `There is no ${what} "${name}" in CloudStack`, {
    advice: 'Write it as CloudStack lists it, or give its id',
  });
}
