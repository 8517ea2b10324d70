import * as v from 'valibot';
import type { Fields, Values } from '../../contract/field.ts';
import { isUserData, userDataIssue } from '../../guest/user-data.ts';
import { longText, oneOf, text, yesNo } from '../../kit/fields.ts';
import { dataDiskIssues, dataDisks } from '../../lifecycle/data-disks.ts';
import {
  allowedIsos,
  allowedStorages,
  allowedTemplates,
  caFile,
  consoleButton,
  consoleUrl,
  deleteAdopted,
  deleteDetachedDisks,
  diskSizeGb,
  graceSeconds,
  guestSystem,
  isoPath,
  maxDiskGb,
  maxDisks,
  maxSnapshots,
  maxUserData,
  secureBoot,
  storage,
  templateId,
  tlsFingerprint,
  userData,
  vendorData,
  verifyTlsCertificate,
} from '../../lifecycle/shared-settings.ts';
import { addressPattern } from './api/address.ts';

/** Names of pools, networks and port groups. */
const name = { most: 63, pattern: /^[A-Za-z0-9][A-Za-z0-9._+-]*$/ };
const device = { most: 15, pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ };
const word = { most: 40, pattern: /^[a-z0-9][a-z0-9._-]*$/ };
const perVlan = /^[A-Za-z0-9][A-Za-z0-9._-]*\{vlan\}[A-Za-z0-9._-]*$/;
/** No name of a volume leads out of its pool. */
export const volume = {
  most: 200,
  pattern: /^[A-Za-z0-9][\w.+@:-]*$/,
  wants: 'the name of a volume',
};

const pem = (what: string) => () =>
  v.pipe(
    longText(64 * 1024)(),
    v.check((content) => content.includes('-----BEGIN '), `must be ${what} in PEM form`),
  );

/** How the operator lets us in, where instances go, and what the operator allows. */
export const settings = {
  url: {
    about: 'Address of libvirt on the host, as virsh takes it',
    schema: text({ pattern: addressPattern, wants: 'an address like qemu+tls://host/system' }),
    required: true,
    example: 'qemu+tls://kvm1.example.org/system',
  },
  client_cert_file: {
    about: 'File in the secrets directory with the client certificate that libvirt accepts (PEM)',
    schema: pem('a certificate'),
    required: true,
    file: true,
    example: 'libvirt-client.crt',
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
  template_pool: {
    about: 'The storage pool whose volumes are the templates',
    schema: text({ ...name, wants: 'the name of a storage pool' }),
    required: true,
    example: 'templates',
  },
  iso_pool: {
    about: 'The storage pool whose volumes are the ISO images',
    schema: text({ ...name, wants: 'the name of a storage pool' }),
    example: 'isos',
  },
  seed_pool: {
    about:
      "The storage pool of the images with user data, keys and passwords for guests; unset: that of the instance's disk",
    schema: text({ ...name, wants: 'the name of a storage pool' }),
    example: 'seeds',
  },
  bridge: {
    about: 'The bridge on the host that NICs are connected to',
    schema: text({ ...device, wants: 'the name of a bridge' }),
    example: 'br0',
  },
  bridge_type: {
    about: 'The kind of the bridges: only Open vSwitch gives the NICs of "bridge" their VLAN',
    schema: oneOf('linux', 'openvswitch'),
    default: 'linux',
  },
  vlan_bridge: {
    about: 'The bridge of each VLAN, with {vlan} for its number',
    schema: text({ most: 20, pattern: perVlan, wants: 'the name of a bridge with {vlan} in it' }),
    example: 'br{vlan}',
  },
  network: {
    about: 'The network of libvirt that NICs are connected to, in place of a bridge',
    schema: text({ ...name, wants: 'the name of a network' }),
    example: 'default',
  },
  vlan_network: {
    about: 'The network of libvirt for each VLAN, with {vlan} for its number',
    schema: text({ most: 63, pattern: perVlan, wants: 'the name of a network with {vlan} in it' }),
    example: 'vlan{vlan}',
  },
  vlan_portgroup: {
    about: 'The port group of "network" for each VLAN, with {vlan} for its number',
    schema: text({
      most: 63,
      pattern: perVlan,
      wants: 'the name of a port group with {vlan} in it',
    }),
    example: 'vlan{vlan}',
  },
  nic_model: {
    about: 'The model of the NICs',
    schema: text({ ...word, wants: 'a model of a NIC such as virtio or e1000e' }),
    default: 'virtio',
  },
  disk_bus: {
    about: 'The bus of the disks',
    schema: oneOf('virtio', 'scsi', 'sata'),
    default: 'virtio',
  },
  machine_type: {
    about: 'The type of the machines',
    schema: text({ ...word, wants: 'a type of machine such as q35 or pc' }),
    default: 'q35',
  },
  cpu_mode: {
    about: 'The CPU that guests see on KVM; host-passthrough is the fastest and the least portable',
    schema: oneOf('host-model', 'host-passthrough', 'maximum'),
    default: 'host-model',
  },
  emulation: {
    about:
      'Whether instances run without KVM, many times slower: never, only where the host has no KVM, or always',
    schema: oneOf('never', 'fallback', 'always'),
    default: 'never',
  },
  vnc_listen: {
    about:
      'The address on which the host opens the screens of instances; unset: its loopback, which no console proxy reaches',
    schema: text({ most: 45, pattern: /^[0-9a-f.:]+$/i, wants: 'an IP address' }),
    default: '127.0.0.1',
    example: '10.0.0.11',
  },
  console_address: {
    about: 'The address under which console proxies reach the screens; unset: vnc_listen',
    schema: text({
      most: 253,
      pattern: /^[A-Za-z0-9][A-Za-z0-9.:-]*$/,
      wants: 'a name or an address',
    }),
    example: 'kvm1.example.org',
  },
  allowed_templates: {
    ...allowedTemplates,
    about: 'Patterns of the volumes that instances may be made from; unset: all of template_pool',
    example: 'debian-*,ubuntu-*',
  },
  allowed_isos: { ...allowedIsos, example: 'debian-*' },
  allowed_storages: allowedStorages,
  max_disk_gb: maxDiskGb,
  max_disks: maxDisks,
  max_snapshots: maxSnapshots,
  grace_seconds: graceSeconds,
  max_user_data: maxUserData,
  vendor_data: vendorData,
  delete_adopted: deleteAdopted,
  delete_detached_disks: deleteDetachedDisks,
  console_url: consoleUrl,
  console_button: consoleButton,
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** The choices of an instance within the operator's limits. */
export const blueprint = {
  template_id: {
    ...templateId,
    about: 'The volume of template_pool that the instance is made from',
    schema: text(volume),
    example: 'debian-12.qcow2',
  },
  iso_path: {
    ...isoPath,
    about: 'The volume of iso_pool that the instance boots from, in place of a template',
    schema: text(volume),
    example: 'debian-12-netinst.iso',
  },
  storage: {
    ...storage,
    about: "The storage pool of the instance's disk",
    schema: text({ ...name, wants: 'the name of a storage pool' }),
    default: 'default',
  },
  disk_size_gb: diskSizeGb,
  is_full_clone: {
    about: 'Whether a template is copied as a whole instead of being linked to',
    schema: yesNo,
    default: 'false',
  },
  data_disks: { ...dataDisks, about: `${dataDisks.about}, which is that of the root disk` },
  secure_boot: secureBoot,
  user_data: {
    ...userData,
    about:
      'What cloud-init or cloudbase-init shall do at the first boot, as it is or in base64, where CloudStack itself sends none',
  },
  guest_system: guestSystem,
} as const satisfies Fields;

export type Blueprint = Values<typeof blueprint>;

/** The problems that no setting shows alone. */
export function settingsIssues(given: Settings): readonly string[] {
  const { bridge, network, vlan_bridge, vlan_network, vlan_portgroup } = given;
  const ways = { vlan_bridge, vlan_network, vlan_portgroup };
  const perVlanKeys = Object.entries(ways).filter(([, value]) => value !== undefined);
  const all = [bridge, network, vlan_bridge, vlan_network, vlan_portgroup];
  return [
    ...(bridge !== undefined && network !== undefined
      ? ['"bridge" and "network" exclude each other']
      : []),
    ...(perVlanKeys.length > 1
      ? [`${perVlanKeys.map(([key]) => `"${key}"`).join(' and ')} exclude each other`]
      : []),
    ...(vlan_portgroup !== undefined && network === undefined
      ? ['"vlan_portgroup" needs "network"']
      : []),
    ...(all.every((each) => each === undefined)
      ? ['one of "bridge", "network", "vlan_bridge" and "vlan_network" is needed']
      : []),
  ];
}

/** A pool of templates that also holds disks would let a tenant choose another instance's disk. */
export function blueprintIssues(chosen: Blueprint, given: Settings): readonly string[] {
  const { template_id, iso_path, storage, disk_size_gb, user_data } = chosen;
  const { template_pool, allowed_templates, iso_pool } = given;
  return [
    ...(template_id === undefined && iso_path === undefined
      ? ['one of "template_id" and "iso_path" is needed']
      : []),
    ...(template_id !== undefined && iso_path !== undefined
      ? ['"template_id" and "iso_path" exclude each other']
      : []),
    ...(iso_path !== undefined && iso_pool === undefined ? ['"iso_path" needs "iso_pool"'] : []),
    ...(template_id === undefined && iso_path !== undefined && disk_size_gb === undefined
      ? ['"iso_path" needs "disk_size_gb"']
      : []),
    ...(storage === template_pool && allowed_templates === undefined
      ? ['"allowed_templates" is needed where "storage" and "template_pool" are one pool']
      : []),
    ...dataDiskIssues(chosen, given),
    ...(user_data === undefined || isUserData(user_data) ? [] : [userDataIssue]),
  ];
}
