import { randomUUID } from 'node:crypto';
import { extensionBy, parted, show } from './extensions.ts';
import { fits } from './infrastructure.ts';
import { detailsOf, mapsOf, type Values } from './parameters.ts';
import { failed, noSuch, wrong } from './refusal.ts';
import { type FakePhysicalNetwork, type FakeState, zone } from './state.ts';

/*
 * Network extensions on physical networks, as a genuine 4.23 keeps them: an extension becomes a provider
 * of the same name, with the services that it has at that moment.
 */

export function listPhysicalNetworks({ physicalNetworks }: FakeState, form: Values): object {
  const shown = physicalNetworks.map(({ id, name }) => ({
    ...{ id, name, zoneid: zone.id, zonename: zone.name, state: 'Enabled', vlan: '500-700' },
    ...{ broadcastdomainrange: 'ZONE', isolationmethods: 'VLAN' },
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
  network.registrations.push({ extensionId: extension.id, services, ...details });
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

export function listNetworkOfferings({ offerings }: FakeState, form: Values): object {
  return { networkoffering: offerings.filter((each) => fits(each, form, ['id', 'name'])) };
}

/** Each service has to be one of the provider's, which is told by its exact name. */
export function createNetworkOffering(state: FakeState, form: Values): object {
  const services = (form.get('supportedservices') ?? '').split(',').filter((each) => each !== '');
  const guestiptype = form.get('guestiptype') ?? '';
  if (guestiptype === 'L2' && services.some((each) => each !== 'UserData')) {
    throw wrong('For L2 networks, only UserData service is allowed');
  }
  for (const { service = '', provider = '' } of mapsOf(form, 'serviceproviderlist')) {
    const offered = state.physicalNetworks
      .flatMap(({ registrations }) => registrations)
      .filter(({ extensionId }) =>
        state.extensions.some(({ id, name }) => id === extensionId && name === provider),
      )
      .flatMap((each) => each.services);
    if (!offered.includes(service)) {
      throw wrong(`Provider ${provider} doesn't support services combination: [${service}]`);
    }
  }
  const offering = {
    ...{ id: randomUUID(), name: form.get('name') ?? '', guestiptype, state: 'Disabled' },
    ...{
      specifyvlan: form.get('specifyvlan') === 'true',
      service: services.map((name) => ({ name })),
    },
  };
  state.offerings.push(offering);
  return { networkoffering: offering };
}

export function updateNetworkOffering({ offerings }: FakeState, form: Values): object {
  const found = offerings.find(({ id }) => id === form.get('id'));
  if (found === undefined) throw noSuch('updateNetworkOffering', 'id', form.get('id'));
  found.state = form.get('state') ?? found.state;
  return { networkoffering: found };
}
