import { type Api, asEntries, asText, asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';

/** A network extension as CloudStack lists it, and its registrations with physical networks. */
export interface NetworkExtension {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly isReady: boolean;
  /** Read by CloudStack alone. */
  readonly details: Texts;
  readonly registrations: readonly NetworkRegistration[];
}

export interface NetworkRegistration {
  readonly physicalNetwork: { readonly id: string; readonly name: string };
  /** Those that CloudStack shows: never `password` and `sshkey`. */
  readonly details: Texts;
}

/** A network of any account, with the providers of its services. */
export interface ListedNetwork {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly broadcastUri: string;
  /** By service. */
  readonly providers: Texts;
  /** The text that `ensure-network-device` printed last. */
  readonly stored: string | undefined;
}

/** Every extension of type NetworkOrchestrator; none before CloudStack 4.23. */
export async function listNetworkExtensions(api: Api): Promise<readonly NetworkExtension[]> {
  const all = await api.list('listExtensions', { details: 'all' });
  return all.filter(({ type }) => type === 'NetworkOrchestrator').map(extensionOf);
}

function extensionOf(entry: Entry): NetworkExtension {
  return {
    name: asText(entry['name']),
    isEnabled: entry['state'] !== 'Disabled',
    isReady: entry['pathready'] !== false,
    details: asTexts(entry['details']),
    registrations: asEntries(entry['resources'])
      .filter(({ type }) => type === 'PhysicalNetwork')
      .map((each) => ({
        physicalNetwork: { id: asText(each['id']), name: asText(each['name']) },
        details: asTexts(each['details']),
      })),
  };
}

/** The networks of all accounts and projects. */
export async function listNetworks(api: Api): Promise<readonly ListedNetwork[]> {
  const own = await api.list('listNetworks', { listall: true });
  const projects = await api.list('listNetworks', { listall: true, projectid: '-1' });
  const byId = new Map([...own, ...projects].map((each) => [asText(each['id']), each]));
  return [...byId].map(([id, each]) => networkOf(id, each));
}

function networkOf(id: string, entry: Entry): ListedNetwork {
  const services = asEntries(entry['service']).flatMap((service) =>
    asEntries(service['provider']).map(
      (provider) => [asText(service['name']), asText(provider['name'])] as const,
    ),
  );
  return {
    ...{ id, name: asText(entry['name']), type: asText(entry['type']) },
    broadcastUri: asText(entry['broadcasturi']),
    providers: Object.fromEntries(services),
    stored: asTexts(entry['details'])['extension.details'],
  };
}
