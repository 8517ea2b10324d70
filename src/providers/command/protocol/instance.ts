import * as v from 'valibot';

/*
 * The instance in a request. The management server's own data: names, sizes and NICs may be trusted;
 * a tenant's choices stand in the blueprint and have passed the bounds of `describe`.
 */

export function instance() {
  return v.strictObject({
    uuid: v.pipe(v.string(), v.description('The identity of the instance, in small letters')),
    name: v.pipe(v.string(), v.description('Its internal name, such as i-2-42-VM')),
    arch: v.optional(v.string()),
    sshPublicKey: v.optional(v.string()),
    ...size(),
  });
}

/** Left out where the size does not matter, as for a restart: the machine then stays as it is. */
function size() {
  return {
    cpus: v.optional(v.number()),
    memoryBytes: v.optional(v.number()),
    nics: v.optional(v.array(nic())),
    boot: v.optional(
      v.strictObject({ firmware: v.picklist(['uefi', 'bios']), secure: v.boolean() }),
    ),
  };
}

function nic() {
  return v.strictObject({
    deviceId: v.number(),
    uuid: v.string(),
    mac: v.pipe(v.string(), v.description('In small letters, with colons')),
    isDefault: v.boolean(),
    segment: v.pipe(
      v.picklist(['vlan', 'untagged', 'named', 'other', 'none']),
      v.description(
        'A network that you cannot connect is refused with kind invalid, never left out',
      ),
    ),
    vlan: v.optional(v.pipe(v.number(), v.description('With segment vlan'))),
    uri: v.optional(v.pipe(v.string(), v.description('With segment named or other'))),
    networkName: v.optional(
      v.pipe(v.string(), v.description('With segment named: the network of your system')),
    ),
    linkDown: v.optional(v.pipe(v.boolean(), v.description('Plugged in, with its link down'))),
    network: v.looseObject({}),
    ipv4: v.optional(v.looseObject({})),
    ipv6: v.optional(v.looseObject({})),
    rateMbps: v.optional(v.number()),
    mtu: v.optional(v.number()),
  });
}

export type GivenInstance = v.InferOutput<ReturnType<typeof instance>>;
