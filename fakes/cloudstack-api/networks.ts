import { randomUUID } from 'node:crypto';
import { extensionBy, parted, show } from './extensions.ts';
import { genuine } from './genuine/index.ts';
import { fits } from './infrastructure.ts';
import { detailsOf, mapsOf, type Values } from './parameters.ts';
import { failed, noSuch, wrong } from './refusal.ts';
import { type FakeNetwork, type FakePhysicalNetwork, type FakeState, zone } from './state.ts';

/*
 * Network extensions on physical networks, as a genuine 4.23 keeps them: an extension becomes a provider
 * of the same name, with the services that it has at that moment.
 */

export function listPhysicalNetworks({ physicalNetworks }: FakeState, form: Values): object {
  const shown = physicalNetworks.map(({ id, name }) => ({
    ...{ ...genuine.physicalnetwork, id, name, zoneid: zone.id, zonename: zone.name },
  }));
  return { physicalnetwork: shown.filter((each) => fits(each, form, ['id', 'name', 'zoneid'])) };
}

function networkOf({ physicalNetworks }: FakeState, form: Values): FakePhysicalNetwork {
  const found = physicalNetworks.find(({ id }) => id === form.get('resourceid'));
  if (found === undefined) throw wrong('Invalid physical network ID specified');
  return found;
}

export function registerWithNetwork(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('extensionid'));
  const network = networkOf(state, form);
  if (extension.type !== 'NetworkOrchestrator') {
    throw failed(`Extension ${extension.name} can not be registered with a physical network`);
  }
  if (network.registrations.some(({ extensionId }) => extensionId === extension.id)) {
    throw failed(`Extension: ${extension.name} is already registered with this physical network`);
  }
  const services = (extension.details['network.services'] ?? '').split(',');
  const details = parted(state, detailsOf(form, 'details'));
  const provider = { state: 'Enabled' } as const;
  network.registrations.push({ extensionId: extension.id, services, provider, ...details });
  return { extension: show(state, extension, 'all') };
}

/** Replaces the visible details and keeps the hidden ones, unless they are given. */
export function updateRegisteredWithNetwork(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('extensionid'));
  const { registrations } = networkOf(state, form);
  const found = registrations.find(({ extensionId }) => extensionId === extension.id);
  if (found === undefined) throw wrong('The extension is not registered with the resource');
  const given = parted(state, detailsOf(form, 'details'));
  found.details = given.details;
  found.hidden = { ...found.hidden, ...given.hidden };
  return { extension: show(state, extension, 'all') };
}

/** The words of this refusal are not recorded, that it comes is. */
export function unregisterFromNetwork(state: FakeState, form: Values): object {
  const extension = extensionBy(state, form.get('extensionid'));
  const network = networkOf(state, form);
  const uses = state.networks.filter((each) => providersIn(each).includes(extension.name));
  if (uses.length > 0) throw failed(`The provider ${extension.name} is used by networks`);
  const at = network.registrations.findIndex(({ extensionId }) => extensionId === extension.id);
  if (at >= 0) network.registrations.splice(at, 1);
  return { extension: show(state, extension, 'all') };
}

function providersIn({ service }: FakeNetwork): readonly string[] {
  return (service ?? []).flatMap(({ provider }) => provider.map(({ name }) => name));
}

/** The provider of each registration; CloudStack's own ones are left out but for one. */
export function listNetworkServiceProviders(state: FakeState, form: Values): object {
  const { networkserviceprovider: usual } = genuine;
  const shown = state.physicalNetworks.flatMap(({ id, registrations }) => [
    { ...usual, physicalnetworkid: id },
    ...registrations.map(({ extensionId, services, provider }) => ({
      ...{ ...usual, physicalnetworkid: id, id: extensionId, servicelist: services },
      ...{ name: extensionBy(state, extensionId).name, state: provider.state },
    })),
  ]);
  return {
    networkserviceprovider: shown.filter((each) =>
      fits(each, form, ['physicalnetworkid', 'name', 'state']),
    ),
  };
}

/** Those of projects apart, as in the list of instances. */
export function listNetworks({ networks, projectNetworks }: FakeState, form: Values): object {
  const shown = form.get('projectid') === '-1' ? projectNetworks : networks;
  return { network: shown.map((each) => ({ ...genuine.network, ...each })) };
}

export function listNetworkOfferings({ offerings }: FakeState, form: Values): object {
  const shown = offerings.map((each) => ({ ...genuine.networkoffering, ...each }));
  return {
    networkoffering: shown.filter((each) => fits(each, form, ['id', 'name', 'guestiptype'])),
  };
}

/** CloudStack's own provider has all of these; the rest of its services plays no part. */
const routerServices = [
  'Dhcp',
  'Dns',
  'SourceNat',
  'StaticNat',
  'PortForwarding',
  'Firewall',
  'Lb',
];

/** A provider is accepted in any case, though no command is ever sent to one that is spelt otherwise. */
function offeredBy(state: FakeState, provider: string): readonly string[] {
  if (provider === 'VirtualRouter') return routerServices;
  return state.physicalNetworks
    .flatMap(({ registrations }) => registrations)
    .filter(({ extensionId }) =>
      state.extensions.some(
        ({ id, name }) => id === extensionId && name.toLowerCase() === provider.toLowerCase(),
      ),
    )
    .flatMap(({ services }) => services);
}

/** Each service has to be one of the provider's. */
export function createNetworkOffering(state: FakeState, form: Values): object {
  const services = (form.get('supportedservices') ?? '').split(',').filter((each) => each !== '');
  const guestiptype = form.get('guestiptype') ?? '';
  const isSet = (name: string): boolean => form.get(name) === 'true';
  if (guestiptype === 'L2' && services.some((each) => each !== 'UserData')) {
    throw wrong('For L2 networks, only UserData service is allowed');
  }
  if (guestiptype === 'Shared' && !isSet('specifyipranges')) {
    throw wrong('SpecifyIpRanges should be true for a shared network');
  }
  const named = mapsOf(form, 'serviceproviderlist');
  for (const { service = '', provider = '' } of named) {
    if (offeredBy(state, provider).includes(service)) continue;
    throw wrong(`Provider ${provider} doesn't support services combination: [${service}]`);
  }
  const providersOf = (name: string) =>
    named
      .filter(({ service }) => service === name)
      .map(({ provider = '' }) => ({ name: provider }));
  const offering = {
    ...{ id: randomUUID(), name: form.get('name') ?? '', guestiptype, state: 'Disabled' },
    ...{ displaytext: form.get('displaytext') ?? '', specifyvlan: isSet('specifyvlan') },
    specifyipranges: isSet('specifyipranges'),
    service: services.map((name) => ({ name, provider: providersOf(name) })),
  };
  state.offerings.push(offering);
  return { networkoffering: { ...genuine.networkoffering, ...offering } };
}

export function updateNetworkOffering({ offerings }: FakeState, form: Values): object {
  const found = offerings.find(({ id }) => id === form.get('id'));
  if (found === undefined) throw noSuch('updateNetworkOffering', 'id', form.get('id'));
  found.state = form.get('state') ?? found.state;
  return { networkoffering: { ...genuine.networkoffering, ...found } };
}
