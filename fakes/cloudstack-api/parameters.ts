import { type Refusal, wrong } from './refusal.ts';

/** The releases that the fake can be. */
export type FakeRelease = '4.21.0.0' | '4.22.0.0' | '4.23.0.0' | '24.0.0.0';

interface Known {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** Written as `name[0].key`. */
  readonly maps?: readonly string[];
}

const paging = ['page', 'pagesize', 'keyword'];
const everyCalls = ['command', 'response', 'apikey', 'signature', 'signatureversion', 'expires'];

/** The parameters of every call that there is, by release; anything else is refused. */
export function knownCalls(release: FakeRelease): Readonly<Record<string, Known>> {
  const main = release === '4.23.0.0' || release === '24.0.0.0';
  const cleans = release === '4.21.0.0' ? [] : ['cleanupexternaldetails'];
  const reserved = main ? ['reservedresourcedetails'] : [];
  const action = [
    ...['description', 'resourcetype', 'allowedroletypes', 'successmessage', 'errormessage'],
    ...['timeout', 'enabled'],
  ];
  const extension = ['description', 'orchestratorrequirespreparevm', 'state', ...reserved];
  return {
    listCapabilities: { required: [], optional: [] },
    createExtension: {
      required: ['name', 'type'],
      optional: ['path', ...extension],
      maps: ['details'],
    },
    updateExtension: {
      required: ['id'],
      optional: ['cleanupdetails', ...extension],
      maps: ['details'],
    },
    listExtensions: {
      required: [],
      optional: ['id', 'name', 'details', ...paging, ...(main ? ['type'] : [])],
    },
    deleteExtension: { required: ['id'], optional: ['cleanup'] },
    registerExtension: {
      required: ['extensionid', 'resourceid', 'resourcetype'],
      optional: [],
      maps: ['details'],
    },
    unregisterExtension: { required: ['extensionid', 'resourceid', 'resourcetype'], optional: [] },
    addCustomAction: {
      required: ['extensionid', 'name'],
      optional: action,
      maps: ['parameters', 'details'],
    },
    updateCustomAction: {
      required: ['id'],
      optional: [...action, 'cleanupparameters', 'cleanupdetails'],
      maps: ['parameters', 'details'],
    },
    listCustomActions: {
      required: [],
      optional: ['id', 'name', 'extensionid', 'resourcetype', 'resourceid', 'enabled', ...paging],
    },
    deleteCustomAction: { required: ['id'], optional: [] },
    listZones: { required: [], optional: ['id', 'name', ...paging] },
    listPods: { required: [], optional: ['id', 'name', 'zoneid', ...paging] },
    listOsTypes: { required: [], optional: ['id', 'description', ...paging] },
    listClusters: { required: [], optional: ['id', 'name', 'zoneid', 'hypervisor', ...paging] },
    addCluster: {
      required: ['clustername', 'clustertype', 'hypervisor', 'zoneid', 'podid'],
      optional: ['extensionid', 'arch'],
      maps: ['externaldetails'],
    },
    updateCluster: { required: ['id'], optional: ['clustername'], maps: ['externaldetails'] },
    listHosts: {
      required: [],
      optional: ['id', 'name', 'clusterid', 'hypervisor', 'type', 'details', ...paging],
    },
    addHost: {
      required: ['hypervisor', 'url', 'zoneid', 'podid', 'clusterid', 'username', 'password'],
      optional: ['hosttags'],
      maps: ['externaldetails'],
    },
    updateHost: { required: ['id'], optional: ['hosttags', ...cleans], maps: ['externaldetails'] },
    listTemplates: { required: ['templatefilter'], optional: ['id', 'name', ...paging] },
    registerTemplate: {
      required: ['name', 'format', 'hypervisor', 'url', 'ostypeid', 'zoneid'],
      optional: [
        ...['displaytext', 'extensionid', 'requireshvm', 'ispublic', 'isfeatured', 'arch'],
      ],
      maps: ['externaldetails'],
    },
    listVirtualMachines: {
      required: [],
      optional: ['id', 'name', 'listall', 'projectid', 'hypervisor', 'isrecursive', ...paging],
    },
    queryAsyncJobResult: { required: ['jobid'], optional: [] },
  };
}

export type Values = ReadonlyMap<string, string>;

/** Refuses what the call does not know, and what it lacks. */
export function checkParameters(command: string, form: Values, release: FakeRelease): void {
  const calls = knownCalls(release);
  const known = Object.hasOwn(calls, command) ? calls[command] : undefined;
  if (known === undefined) {
    throw {
      code: 432,
      text: `The given command ${command} either does not exist`,
    } satisfies Refusal;
  }
  for (const name of form.keys()) {
    const map = /^([a-z]+)\[\d+\]\.(.+)$/.exec(name)?.[1];
    const plain = [...everyCalls, ...known.required, ...known.optional].includes(name);
    if (!plain && (map === undefined || known.maps?.includes(map) !== true)) {
      throw { code: 430, text: `${command} has no parameter ${name}` } satisfies Refusal;
    }
  }
  for (const name of known.required) {
    if ((form.get(name) ?? '') === '') {
      throw wrong(`Unable to execute API command ${command} due to missing parameter ${name}`);
    }
  }
}

/** The entries of `name[i]`, by their index. */
export function mapsOf(form: Values, wanted: string): Record<string, string>[] {
  const maps = new Map<string, Record<string, string>>();
  for (const [name, value] of form) {
    const [, map, index = '', key = ''] = /^([a-z]+)\[(\d+)\]\.(.+)$/.exec(name) ?? [];
    if (map !== wanted) continue;
    maps.set(index, { ...maps.get(index), [key]: value });
  }
  return [...maps.values()];
}

/** All entries of a map of details as one. */
export function detailsOf(form: Values, name: string): Record<string, string> {
  return Object.assign({}, ...mapsOf(form, name)) as Record<string, string>;
}
