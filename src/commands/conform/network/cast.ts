import { randomBytes } from 'node:crypto';
import type { Members } from '../../json.ts';
import { networkPayload, nicBlock, type SampleNetwork, vmData } from '../network-payloads.ts';
import { plantedSecret, type SampleInstance, sampleInstance } from '../sample-instance.ts';
import type { Secret } from '../transcript.ts';

type Texts = Readonly<Record<string, string>>;

/** The networks and instances that the calls are about; their numbers are no CloudStack's. */
export interface NetworkCast {
  readonly registration: Texts;
  /** With a VLAN of CloudStack's: no command makes it before its guests come. */
  readonly l2: SampleNetwork;
  readonly isolated: SampleNetwork;
  /** Never made. */
  readonly missing: SampleNetwork;
  readonly instances: readonly SampleInstance[];
  readonly password: string;
}

/** Invents them, with a secret in the registration beside the operator's own details. */
export function plantNetworks(details: Texts): { cast: NetworkCast; secrets: Secret[] } {
  const [registered, password] = [plantedSecret('password'), plantedSecret('guest')];
  const id = 900_000_000 + randomBytes(3).readUIntBE(0, 3) * 4;
  const cast: NetworkCast = {
    registration: { password: registered, ...details },
    l2: { id, kind: 'l2', vlan: '1577', state: 'setup' },
    isolated: { id: id + 1, kind: 'isolated', vlan: '', state: 'implementing' },
    missing: { id: id + 2, kind: 'isolated', vlan: '', state: 'shutdown' },
    instances: Array.from({ length: 8 }, (_, n) => sampleInstance(n)),
    password,
  };
  const telling = Object.entries(cast.registration).filter(
    ([key, value]) => /passw|secret|token|api_?key/i.test(key) && value.length >= 8,
  );
  return {
    cast,
    secrets: [
      ...telling.map(([key, value]) => ({ where: `registration detail "${key}"`, value })),
      { where: 'password of the guest', value: password },
    ],
  };
}

/** The payload of a command on the network. */
export function on(cast: NetworkCast, network: SampleNetwork, more: Members = {}): Members {
  return networkPayload(cast.registration, network, more);
}

/** `save-vm-data` of a NIC, as full as CloudStack makes it. */
export function guestOf(
  cast: NetworkCast,
  network: SampleNetwork,
  given: { readonly instance?: number; readonly nic?: number; readonly userData?: string } = {},
  password?: string,
): Members {
  const { instance: at = 0, nic = 1, userData = '#cloud-config\npackages: [jq]\n' } = given;
  const instance = cast.instances[at] ?? sampleInstance(at);
  const guest = {
    hostname: `web${at}`,
    userData,
    publicKeys: 'ssh-ed25519 AAAA one\nssh-rsa B two',
  };
  return on(cast, network, {
    ...nicBlock(instance, nic, network.kind),
    vm_data: vmData(instance, { ...guest, ...(password === undefined ? {} : { password }) }),
  });
}

/** A command about a NIC; without its UUID where it is being removed for good. */
export function nicOf(cast: NetworkCast, network: SampleNetwork, more: Members = {}): Members {
  const [instance = sampleInstance(0)] = cast.instances;
  return on(cast, network, { ...nicBlock(instance, 1, network.kind), ...more });
}

/** The few fields that a command has when the NIC is removed for good. */
export function removedNic(cast: NetworkCast, network: SampleNetwork): Members {
  const [instance = sampleInstance(0)] = cast.instances;
  const { nic_id, mac } = nicBlock(instance, 1, network.kind);
  return on(cast, network, { nic_id, mac, ip: '', default_nic: 'false' });
}
