import { asText, asTexts } from '../../api/client.ts';
import type { Texts } from '../../api/form.ts';
import { shellWord } from '../../terminal.ts';
import { mergeDetails, shownDetail } from '../details.ts';
import type { Change, Difference, Plan } from '../plan.ts';
import { type ActualNetwork, installationFor, offeringName, registeredDetails } from './actual.ts';
import type { Kind, WantedNetwork } from './wanted.ts';

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

function offeringChanges(wanted: WantedNetwork, actual: ActualNetwork): readonly Change[] {
  if (!wanted.half.offers.guests) return [];
  return wanted.kinds.flatMap((kind) => offeringChange(wanted, actual, kind));
}

/** Made and switched on: an offering that spells its provider otherwise sends no command. */
function offeringChange(
  wanted: WantedNetwork,
  { offerings }: ActualNetwork,
  kind: Kind,
): readonly Change[] {
  const name = offeringName(wanted, kind);
  const offering = offerings.get(name);
  const reference = `offering:${name}`;
  const enable: Change = {
    ...{ verb: 'update', subject: `network offering ${name}`, command: 'updateNetworkOffering' },
    differences: [{ what: 'state', to: 'Enabled' }],
    parameters: (idOf) => ({ id: idOf(reference), state: 'Enabled' }),
  };
  if (offering !== undefined) return asText(offering['state']) === 'Enabled' ? [] : [enable];
  // CloudStack allows an L2 network no other service.
  const services = kind === 'L2' ? ['UserData'] : ['UserData', 'CustomAction'];
  const given = services.map((service) => ({ service, provider: wanted.name }));
  return [
    {
      ...{ verb: 'create', subject: `network offering ${name}`, makes: reference },
      differences: services.map((service) => ({ what: `${service} by`, to: wanted.name })),
      command: 'createNetworkOffering',
      parameters: () => ({
        ...{ name, displaytext: `${kind} with user data by ${wanted.name}` },
        ...{ guestiptype: kind, traffictype: 'GUEST', ...placesOf(kind, wanted) },
        ...{ supportedservices: services, serviceproviderlist: given },
      }),
    },
    enable,
  ];
}

/** Shared networks always have a VLAN and addresses of an administrator; Isolated ones get theirs. */
function placesOf(kind: Kind, { makesNetworks }: WantedNetwork) {
  if (kind === 'Shared') return { specifyvlan: true, specifyipranges: true };
  return { specifyvlan: kind === 'L2' && !makesNetworks };
}

function remarksOn(
  { name, makesNetworks, kinds }: WantedNetwork,
  { extension }: ActualNetwork,
): string[] {
  return [
    `The file has to be there under this name too: ./install.sh --name OTHER --network-name ${shellWord(name)}, where OTHER is the extension of the cluster, with its --host options`,
    'Networks that exist keep their offering: an L2 or Shared network without user data can never get any, and a new one is needed',
    'SourceNat, StaticNat, PortForwarding, Firewall, Lb, Vpn, Dhcp, Dns and NetworkACL stay with the virtual router: no offering may name this extension for them',
    'With several physical networks, offerings need tags that lead to the right one',
    ...(kinds.some((kind) => kind !== 'L2')
      ? [
          'Shared and Isolated networks get no DHCP with it: guests learn their address from the same image as the user data, and an Isolated network needs gateway and netmask when it is made',
        ]
      : []),
    ...(makesNetworks
      ? ['Networks that were made before network.isolation.method was set keep their VLANs']
      : []),
    ...(extension?.['state'] === 'Disabled'
      ? ['The extension is disabled, which blocks every start on its networks']
      : []),
  ];
}
