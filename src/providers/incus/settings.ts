import * as v from 'valibot';
import type { Fields, Values } from '../../contract/field.ts';
import { list, longText, oneOf, text, yesNo } from '../../kit/fields.ts';
import { dataDiskIssues, dataDisks } from '../../lifecycle/data-disks.ts';
import {
  allowedStorages,
  allowedTemplates,
  caFile,
  consoleButton,
  consoleUrl,
  deleteAdopted,
  deleteDetachedDisks,
  diskSizeGb,
  graceSeconds,
  maxDiskGb,
  maxDisks,
  maxSnapshots,
  maxUserData,
  nodes,
  otherNodes,
  secureBoot,
  storage,
  templateId,
  tlsFingerprint,
  userData,
  verifyTlsCertificate,
} from '../../lifecycle/shared-settings.ts';

/** Names as Incus allows them for projects, profiles, networks, pools and members. */
const name = { most: 63, pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ };
const device = { most: 15, pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ };
const perVlan = /^[A-Za-z0-9][A-Za-z0-9._-]*\{vlan\}[A-Za-z0-9._-]*$/;

const pem = (what: string) => () =>
  v.pipe(
    longText(64 * 1024)(),
    v.check((content) => content.includes('-----BEGIN '), `must be ${what} in PEM form`),
  );

/** How the operator lets us in, where instances go, and what the operator allows. */
export const settings = {
  url: {
    about: 'Address of the API',
    schema: text({ pattern: /^https:\/\/\S+$/, wants: 'an https:// address' }),
    required: true,
    example: 'https://incus.example.org:8443',
  },
  client_cert_file: {
    about: 'File in the secrets directory with the client certificate that Incus trusts (PEM)',
    schema: pem('a certificate'),
    required: true,
    file: true,
    example: 'incus-client.crt',
  },
  client_key: {
    about: 'The key of the client certificate (PEM), best given as client_key_file',
    schema: pem('a private key'),
    required: true,
    secret: true,
  },
  verify_tls_certificate: verifyTlsCertificate,
  tls_fingerprint: tlsFingerprint,
  ca_file: caFile,
  project: {
    about: 'The project that holds the instances of this host',
    schema: text({ ...name, wants: 'the name of a project' }),
    default: 'default',
    example: 'cloudstack',
  },
  profiles: {
    about: 'The profiles that instances are made with',
    schema: list({ ...name, most: 16, wants: 'names of profiles' }),
    default: 'default',
  },
  target: {
    about: 'The cluster member, or @group of members, that instances are made on',
    schema: text({
      most: 64,
      pattern: /^@?[A-Za-z0-9][A-Za-z0-9._-]*$/,
      wants: 'a member or @group',
    }),
    example: 'member1',
  },
  nodes: { ...nodes, about: 'The cluster members whose instances this host reports; unset: all' },
  other_nodes: otherNodes,
  network: {
    about: 'The managed network that NICs are connected to',
    schema: text({ ...name, wants: 'the name of a network' }),
    example: 'incusbr0',
  },
  bridge: {
    about: 'The bridge on the members that NICs are connected to, in place of a managed network',
    schema: text({ ...device, wants: 'the name of a bridge' }),
    example: 'br0',
  },
  vlan_network: {
    about:
      'The managed network of each VLAN, with {vlan} for its number; unset: the VLAN of "network"',
    schema: text({ most: 63, pattern: perVlan, wants: 'the name of a network with {vlan} in it' }),
    example: 'vlan{vlan}',
  },
  vlan_bridge: {
    about: 'The bridge of each VLAN, with {vlan} for its number; unset: the VLAN of "bridge"',
    schema: text({ most: 20, pattern: perVlan, wants: 'the name of a bridge with {vlan} in it' }),
    example: 'br{vlan}',
  },
  cloud_init: {
    about:
      'What cloud-init is told of the network: `static` the addresses of the NICs, `dhcp` to ask for them, `off` nothing',
    schema: oneOf('off', 'dhcp', 'static'),
    default: 'off',
  },
  vendor_data_file: {
    about: 'File in the secrets directory with data for the cloud-init of every guest',
    schema: longText(64 * 1024),
    file: true,
    example: 'vendor-data.yaml',
  },
  mac_filtering: {
    about: 'Whether an instance may only send from its own MAC address',
    schema: yesNo,
    default: 'false',
  },
  ipv4_filtering: {
    about: 'Whether an instance may only send from the IPv4 address that Incus gave it',
    schema: yesNo,
    default: 'false',
  },
  nesting: {
    about: 'Whether containers may run containers themselves',
    schema: yesNo,
    default: 'false',
  },
  privileged: {
    about:
      'Whether root in a container is root of the member; never for tenants that you do not trust',
    schema: yesNo,
    default: 'false',
  },
  allowed_templates: {
    ...allowedTemplates,
    about: 'Patterns of the images that instances may be made from; unset: every one of the server',
    example: 'debian-*,ubuntu-*',
  },
  allowed_storages: allowedStorages,
  max_disk_gb: maxDiskGb,
  max_disks: maxDisks,
  delete_detached_disks: deleteDetachedDisks,
  max_snapshots: maxSnapshots,
  max_user_data: maxUserData,
  grace_seconds: graceSeconds,
  delete_adopted: deleteAdopted,
  console_url: consoleUrl,
  console_button: consoleButton,
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** The choices of an instance within the operator's limits. */
export const blueprint = {
  template_id: {
    ...templateId,
    about: 'The image, by alias or fingerprint, that the instance is made from',
    schema: text({
      most: 128,
      pattern: /^[A-Za-z0-9][\w.:/-]*$/,
      wants: 'an alias or a fingerprint',
    }),
    required: true,
    example: 'debian-12',
  },
  storage: { ...storage, about: "The pool of the instance's disk; unset: that of the profile" },
  disk_size_gb: {
    ...diskSizeGb,
    about: 'Size of the disk; unset: that of the profile or the pool',
  },
  data_disks: {
    ...dataDisks,
    about:
      "Data disks that the instance is made with: sizes in GiB, each followed by @POOL where it is not the root disk's",
  },
  secure_boot: secureBoot,
  user_data: userData,
} as const satisfies Fields;

export type Blueprint = Values<typeof blueprint>;

/** The problems that no setting shows alone. */
export function settingsIssues(given: Settings): readonly string[] {
  const { network, bridge, vlan_network, vlan_bridge } = given;
  const both = (one: unknown, other: unknown): boolean => one !== undefined && other !== undefined;
  return [
    ...(both(network, bridge) ? ['"network" and "bridge" exclude each other'] : []),
    ...(both(vlan_network, vlan_bridge)
      ? ['"vlan_network" and "vlan_bridge" exclude each other']
      : []),
    ...([network, bridge, vlan_network, vlan_bridge].every((each) => each === undefined)
      ? ['one of "network", "bridge", "vlan_network" and "vlan_bridge" is needed']
      : []),
  ];
}

/** A device for the disk needs its pool, which the profile alone knows otherwise. */
export function blueprintIssues(wanted: Blueprint, settings: Settings): readonly string[] {
  const { storage, disk_size_gb } = wanted;
  const lacksPool = storage === undefined && disk_size_gb !== undefined;
  return [
    ...(lacksPool ? ['"disk_size_gb" needs "storage"'] : []),
    ...dataDiskIssues(wanted, settings),
  ];
}
