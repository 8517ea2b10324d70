import { asText, asTexts } from '../../api/client.ts';
import type { Texts } from '../../api/form.ts';
import { shellWord } from '../../terminal.ts';
import { mergeDetails, shownDetail } from '../details.ts';
import type { Change, Difference, Plan } from '../plan.ts';
import { type ActualNetwork, installationFor, offeringName, registeredDetails } from './actual.ts';
import type { WantedNetwork } from './wanted.ts';

/** All changes for a network extension, in the order in which the one needs the other. */
export function planNetwork(wanted: WantedNetwork, actual: ActualNetwork): Plan {
  const installation = installationFor(wanted, actual);
  const details = { ...wanted.details, provider: wanted.provider, installation };
  return {
    changes: [
      ...extensionChanges(wanted, actual),
      ...registrationChanges(wanted, actual, details),
      ...offeringChanges(wanted, actual),
    ],
    remarks: remarksOn(wanted, actual),
  };
}

/**
 * The details that CloudStack itself reads; none of them reaches the file. Without the last one an L2
 * network gets rows that keep the management server from ever starting again.
 */
function extensionDetails({ half, makesNetworks }: WantedNetwork): Texts {
  return {
    'network.services': half.offers.guests ? 'UserData,CustomAction' : 'CustomAction',
    ...(makesNetworks ? { 'network.isolation.method': 'NetworkExtension' } : {}),
    'network.allocate.extension.ip': 'false',
  };
}

function extensionChanges(wanted: WantedNetwork, { extension }: ActualNetwork): readonly Change[] {
  const { name, path, title, secrets } = wanted;
  const details = extensionDetails(wanted);
  const before = asTexts(extension?.['details']);
  const merged = mergeDetails(before, details, { prune: false, secrets });
  if (extension !== undefined) {
    if (merged.differences.length === 0) return [];
    return [
      {
        ...{ verb: 'update', subject: `extension ${name}`, differences: merged.differences },
        command: 'updateExtension',
        parameters: (idOf) => ({ id: idOf('extension'), details: merged.details }),
      },
    ];
  }
  const description = `${title} networks through Outrigger`;
  return [
    {
      ...{ verb: 'create', subject: `network extension ${name}` },
      differences: [{ what: 'path', to: path }, ...merged.differences],
      command: 'createExtension',
      parameters: () => ({ name, type: 'NetworkOrchestrator', path, description, details }),
      makes: 'extension',
    },
  ];
}

function registrationChanges(
  { physicalNetwork, secrets }: WantedNetwork,
  actual: ActualNetwork,
  details: Texts,
): readonly Change[] {
  const before = registeredDetails(actual);
  const differences: Difference[] =
    before === undefined
      ? Object.entries(details).map(([key, value]) => ({
          what: `detail ${key}`,
          to: shownDetail(key, value, secrets),
        }))
      : [...mergeDetails(before, details, { prune: false, secrets }).differences].filter(
          ({ what }) => !/^detail (password|sshkey)$/.test(what),
        );
  if (before !== undefined && differences.length === 0) return [];
  const all = { ...before, ...details };
  return [
    {
      verb: before === undefined ? 'create' : 'update',
      subject: `registration with physical network ${physicalNetwork}`,
      differences,
      command: before === undefined ? 'registerExtension' : 'updateRegisteredExtension',
      parameters: (idOf) => ({
        extensionid: idOf('extension'),
        resourceid: idOf(`physicalnetwork:${physicalNetwork}`),
        ...{ resourcetype: 'PhysicalNetwork', details: all },
      }),
    },
  ];
}

/** Made and switched on: an offering that spells its provider otherwise sends no command. */
function offeringChanges(wanted: WantedNetwork, { offering }: ActualNetwork): readonly Change[] {
  if (!wanted.half.offers.guests) return [];
  const name = offeringName(wanted);
  const enable: Change = {
    ...{ verb: 'update', subject: `network offering ${name}`, command: 'updateNetworkOffering' },
    differences: [{ what: 'state', to: 'Enabled' }],
    parameters: (idOf) => ({ id: idOf('offering'), state: 'Enabled' }),
  };
  if (offering !== undefined) return asText(offering['state']) === 'Enabled' ? [] : [enable];
  const service = { service: 'UserData', provider: wanted.name };
  return [
    {
      ...{ verb: 'create', subject: `network offering ${name}`, makes: 'offering' },
      differences: [{ what: 'user data by', to: wanted.name }],
      command: 'createNetworkOffering',
      parameters: () => ({
        ...{ name, displaytext: `L2 with user data by ${wanted.name}` },
        ...{ guestiptype: 'L2', traffictype: 'GUEST', specifyvlan: !wanted.makesNetworks },
        ...{ supportedservices: ['UserData'], serviceproviderlist: [service] },
      }),
    },
    enable,
  ];
}

function remarksOn({ name, makesNetworks }: WantedNetwork, { extension }: ActualNetwork): string[] {
  return [
    `The same file has to be there under this name too: ./install.sh --name ${shellWord(name)}, with the --host options of the other one`,
    'Networks that exist keep their offering: an L2 or Shared network without user data can never get any, and a new one is needed',
    'SourceNat, StaticNat, PortForwarding, Firewall, Lb, Vpn, Dhcp, Dns and NetworkACL stay with the virtual router: no offering may name this extension for them',
    'With several physical networks, offerings need tags that lead to the right one',
    ...(makesNetworks
      ? ['Networks that were made before network.isolation.method was set keep their VLANs']
      : []),
    ...(extension?.['state'] === 'Disabled'
      ? ['The extension is disabled, which blocks every start on its networks']
      : []),
  ];
}
