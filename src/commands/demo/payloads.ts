import {
  networkPayload,
  nicBlock,
  type SampleGuest,
  type SampleNetwork,
  vmData,
} from '../conform/network-payloads.ts';
import { customPayload, type Details, payloadFor, statusesPayload } from '../conform/payloads.ts';
import type { SampleInstance } from '../conform/sample-instance.ts';
import type { Members } from '../json.ts';
import type { Step } from './steps.ts';

const simulated: Details = {
  extension: { provider: 'simulator', installation: 'demo' },
  resourcemap: {},
  host: { assign_macs: 'true', console_url: 'https://console.example.org/{uuid}' },
  virtualmachine: { template_id: 'debian-12', disk_size_gb: '20' },
};

/** The details that `register` gives the registration with the physical network. */
const registration = { provider: 'simulator', installation: 'demo' };

/** The instance and its network as CloudStack knows them at one moment. */
export interface Scene {
  readonly instance: SampleInstance;
  /** Those of a driver's extension; the simulator's unless given. */
  readonly details?: Details | undefined;
  /** As implement-network has answered. */
  readonly uri?: string;
}

export function payloadOf(step: Step, { instance, uri, details = simulated }: Scene): Members {
  const { action, parameters } = step;
  if (step.half === 'network') return networkStep(step, instance, uri);
  if (action === 'statuses') return statusesPayload(details);
  const wired = uri === undefined ? instance : { ...instance, nics: instance.nics.map(on(uri)) };
  if (parameters !== undefined) return customPayload(action, wired, details, parameters);
  return payloadFor(action, wired, details);
}

/** The instance has its default NIC on the network; the others stay where they are. */
function on(uri: string): (nic: Members) => Members {
  return (nic) =>
    nic['defaultNic'] === true
      ? { ...nic, networkId: 227, broadcastType: 'Vswitch', broadcastUri: uri, isolationUri: uri }
      : nic;
}

function networkStep(step: Step, instance: SampleInstance, uri = ''): Members {
  const { action } = step;
  const network: SampleNetwork = {
    ...{ id: 227, kind: 'isolated', vlan: uri.replace('vs://', '') },
    state: action === 'implement-network' ? 'implementing' : 'implemented',
  };
  return networkPayload(registration, network, moreFor(step, instance));
}

function moreFor({ action, password }: Step, instance: SampleInstance): Members {
  const at = instance.nics.findIndex((nic) => nic['defaultNic'] === true);
  const nic = nicBlock(instance, at, 'isolated');
  switch (action) {
    case 'ensure-network-device':
      return { current_details: '{}' };
    case 'save-vm-data':
      return { ...nic, vm_data: vmData(instance, guestWith(password)) };
    case 'save-password':
      return { ...nic, password };
    case 'prepare-nic':
      return { ...nic, hostname: 'web1' };
    case 'release-nic':
      return nic;
    default:
      return {};
  }
}

/** The same at every start, but for a password. */
function guestWith(password: string | undefined): SampleGuest {
  const userData = '#cloud-config\npackages: [nginx]\n';
  const publicKeys = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemo demo';
  const guest = { hostname: 'web1', userData, publicKeys };
  return password === undefined ? guest : { ...guest, password };
}
