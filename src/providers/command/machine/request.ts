import type { Instance, Nic, SizedInstance } from '../../../contract/instance.ts';
import type { GivenInstance } from '../protocol/instance.ts';
import type { Seen } from './session.ts';

/* The parts of a request as the protocol has them. */

/** Hints, states and callers stay here: a tenant may have written them. */
export function givenInstance(instance: Instance | SizedInstance): GivenInstance {
  const { uuid, name, arch, sshPublicKey } = instance;
  return {
    ...{ uuid, name },
    ...(arch === undefined ? {} : { arch }),
    ...(sshPublicKey === undefined ? {} : { sshPublicKey }),
    ...('nics' in instance ? sizeOf(instance) : {}),
  };
}

function sizeOf({ cpus, memoryBytes, nics, boot }: SizedInstance) {
  const size = { cpus, memoryBytes, nics: nics.map(givenNic) };
  return boot === undefined ? size : { ...size, boot };
}

type GivenNic = NonNullable<GivenInstance['nics']>[number];

function givenNic({ segment, ipv4, ipv6, network, rateMbps, mtu, ...rest }: Nic): GivenNic {
  const { deviceId, uuid, mac, isDefault, linkDown } = rest;
  return {
    ...{ deviceId, uuid, mac, isDefault, segment: segment.kind },
    ...(segment.kind === 'vlan' ? { vlan: segment.id } : {}),
    ...('uri' in segment ? { uri: segment.uri } : {}),
    ...(segment.kind === 'named' ? { networkName: segment.name } : {}),
    ...(linkDown === undefined ? {} : { linkDown }),
    network: { ...network },
    ...(ipv4 === undefined ? {} : { ipv4: { ...ipv4 } }),
    ...(ipv6 === undefined ? {} : { ipv6: { ...ipv6 } }),
    ...(rateMbps === undefined ? {} : { rateMbps }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

export function givenMachine({ said: { id, name, mark = null, state } }: Seen) {
  return { id, name, mark, state };
}

export function onMachine(machine: Seen, instance: Instance | SizedInstance) {
  return { machine: givenMachine(machine), instance: givenInstance(instance) };
}
