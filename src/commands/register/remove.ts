import { Failure } from '../../failure.ts';
import { type Api, asText, type Entry } from '../api/client.ts';
import { deletion } from './actions.ts';
import { isCalled, resourcesOf, templatesOf } from './actual.ts';
import { isBuiltIn, wayBack } from './built-in.ts';
import { offeringsOff, refuseWithNetworks } from './network/remove.ts';
import type { Change, Plan } from './plan.ts';

/** Everything that takes the extension out of CloudStack again; its file and its machines stay. */
export async function planRemoval(api: Api, name: string): Promise<Plan> {
  const all = await api.list('listExtensions', { details: 'all' });
  const extension = all.find((each) => isCalled(each, name));
  if (extension === undefined) {
    return { changes: [], remarks: [`There is no extension ${name} in CloudStack`] };
  }
  const id = asText(extension['id']);
  if (isBuiltIn(extension)) {
    const actions = await api.list('listCustomActions', { extensionid: id });
    throw new Failure('conflict', `${name} is built into CloudStack and cannot be removed`, {
      advice: wayBack(extension, actions),
    });
  }
  const resources = resourcesOf(extension);
  const isNetwork = extension['type'] === 'NetworkOrchestrator';
  if (isNetwork) await refuseWithNetworks(api, asText(extension['name']));
  else {
    await refuseWithHosts(api, name, resources);
    await refuseWithTemplates(api, extension);
  }
  const actions = await api.list('listCustomActions', { extensionid: id });
  return {
    changes: [
      ...(isNetwork ? await offeringsOff(api, asText(extension['name'])) : []),
      ...resources.map((resource) => unregistration(id, resource)),
      ...actions.map(deletion),
      {
        verb: 'delete',
        subject: `extension ${asText(extension['name'])}`,
        differences: [],
        command: 'deleteExtension',
        // A clean-up would remove the directory on every server, other users of it or not.
        parameters: () => ({ id, cleanup: false }),
      },
    ],
    remarks: ['The file stays on the servers: install.sh --uninstall takes it away'],
  };
}

/** Hosts without an extension cannot even stop their instances. */
async function refuseWithHosts(api: Api, name: string, clusters: readonly Entry[]): Promise<void> {
  const ids = new Set(clusters.map(({ id }) => id));
  const hosts = await api.list('listHosts', { hypervisor: 'External', type: 'Routing' });
  const left = hosts
    .filter(({ clusterid }) => ids.has(clusterid))
    .map((each) => asText(each['name']));
  if (left.length === 0) return;
  throw new Failure('conflict', `${name} still serves the hosts ${left.join(', ')}`, {
    advice:
      'Expunge their instances, put each host into maintenance (prepareHostForMaintenance) and delete it (deleteHost). deleteHost forced=true while instances are there makes them Stopped in CloudStack, and their machines run on',
  });
}

/** CloudStack would refuse the extension itself, when everything else of it is gone. */
async function refuseWithTemplates(api: Api, extension: Entry): Promise<void> {
  const left = await templatesOf(api, extension);
  if (left.length === 0) return;
  const names = new Set(left.map((each) => asText(each['name'])));
  throw new Failure(
    'conflict',
    `${asText(extension['name'])} still has the templates ${[...names].join(', ')}`,
    {
      advice: 'Delete them (deleteTemplate) first',
    },
  );
}

function unregistration(extensionid: string, resource: Entry): Change {
  const resourceid = asText(resource['id']);
  const isNetwork = resource['type'] === 'PhysicalNetwork';
  const [resourcetype, word] = isNetwork
    ? (['PhysicalNetwork', 'physical network'] as const)
    : (['Cluster', 'cluster'] as const);
  return {
    verb: 'delete',
    subject: `registration with ${word} ${asText(resource['name'])}`,
    differences: [],
    command: 'unregisterExtension',
    parameters: () => ({ extensionid, resourceid, resourcetype }),
  };
}
