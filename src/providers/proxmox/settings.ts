import * as v from 'valibot';
import {
  adoptUnmarked,
  allowedIsos,
  allowedStorages,
  allowedTemplates,
  caFile,
  consoleUrl,
  deleteAdopted,
  graceSeconds,
  maxDiskGb,
  maxSnapshots,
  node,
  nodes,
  otherNodes,
  snapshotMemory,
  tlsFingerprint,
  verifyTlsCertificate,
} from '../../kit/common-fields.ts';
import { list, oneOf, text, wholeNumber, yesNo } from '../../kit/fields.ts';
import type { Fields, Values } from '../../provider.ts';
import { readEndpoints } from './endpoint.ts';
import { pairs } from './pairs.ts';

const bridgeName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;
const networkKey = /^[^=,\s][^=,]{0,254}$/;
export const storageName = /^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$/;
const tokenName = /^[^\s=!,]+![A-Za-z][A-Za-z0-9._-]+$|^[A-Za-z][A-Za-z0-9._-]+$/;
const secretText = text({ most: 200, pattern: /^[^\s,=]+$/, wants: 'a secret without blanks' });
const hostName = '[A-Za-z0-9.:_\\[\\]-]{1,253}';

/** How the cluster is reached, what instances may choose and how their machines are made. */
export const settings = {
  url: {
    about:
      'Where the cluster is: hosts, host:port or URLs, several separated by commas; a bare host means port 8006',
    schema: () =>
      v.pipe(
        text({ most: 1000 })(),
        v.check(
          (given) => readEndpoints(given) !== undefined,
          'must be hosts or https:// URLs, separated by commas, without user names and queries',
        ),
      ),
    required: true,
    example: 'https://pve1.example.org:8006',
  },
  user: {
    about: 'The user that the API token belongs to',
    schema: text({
      most: 64,
      pattern: /^[^\s!=,/:]+@[A-Za-z][A-Za-z0-9._-]+$/,
      wants: 'a user with its realm',
    }),
    required: true,
    example: 'cloudstack@pve',
  },
  token: {
    about: 'The name of the API token',
    schema: text({ most: 130, pattern: tokenName, wants: 'the name of a token' }),
    required: true,
    example: 'cs1',
  },
  secret: {
    about: 'The secret of the API token',
    schema: secretText,
    required: true,
    secret: true,
  },
  token_next: {
    about: 'The token to use when the first is refused, while one is being replaced by the other',
    schema: text({ most: 130, pattern: tokenName, wants: 'the name of a token' }),
    example: 'cs2',
  },
  secret_next: {
    about: 'The secret to use when the first is refused; without token_next for the same token',
    schema: secretText,
    secret: true,
  },
  verify_tls_certificate: verifyTlsCertificate,
  tls_fingerprint: tlsFingerprint,
  ca_file: caFile,
  node: { ...node, required: true, example: 'pve1' },
  nodes: { ...nodes, example: 'pve1,pve2' },
  other_nodes: { ...otherNodes, example: 'pve3,pve4' },
  pool: {
    about: 'The pool that machines are made in; recommended, with the rights given on it alone',
    schema: text({
      most: 100,
      pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/,
      wants: 'the name of a pool',
    }),
    example: 'cloudstack',
  },
  vmid_range: {
    about: 'The ids that machines are made under',
    schema: () =>
      v.pipe(
        text({ pattern: /^\d{3,9} *- *\d{3,9}$/, wants: 'two numbers with a dash between them' })(),
        v.transform((line) => {
          const [low = 0, high = 0] = line.split('-').map(Number);
          return { low, high };
        }),
        v.check(({ low, high }) => low >= 100 && high >= low + 9, 'must span ten ids from 100 on'),
      ),
    default: '10000-999999',
    example: '20000-29999',
  },
  tags: {
    about: 'Tags for every machine, beside the one that serves as index',
    schema: list({ most: 20, pattern: /^[A-Za-z0-9_][A-Za-z0-9_+.-]{0,62}$/, wants: 'tags' }),
    example: 'cloudstack',
  },
  network_bridge: {
    about: 'The bridge of networks that neither map names',
    schema: text({ pattern: bridgeName, wants: 'the name of a bridge' }),
    default: 'vmbr0',
  },
  network_map: {
    about: 'Bridges by network (its UUID, id or name); the VLAN of the network is set on the NIC',
    schema: pairs({ key: networkKey, value: bridgeName, wants: 'network=bridge' }),
    example: '204=vmbr1,205=vmbr2',
  },
  vnet_map: {
    about:
      'SDN vnets by network (its UUID, id or name); no VLAN is set, since the vnet has its own',
    schema: pairs({ key: networkKey, value: bridgeName, wants: 'network=vnet' }),
    example: '206=tenant1',
  },
  trunk_map: {
    about: 'VLANs that pass tagged, by network (its UUID, id or name)',
    schema: pairs({
      key: networkKey,
      value: /^\d{1,4}(-\d{1,4})?(;\d{1,4}(-\d{1,4})?)*$/,
      wants: 'network=VLANs, such as 207=10;20-29',
    }),
    example: '207=10;20-29',
  },
  network_model: {
    about: 'The model of every NIC',
    schema: oneOf('virtio', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3'),
    default: 'virtio',
  },
  network_firewall: {
    about: 'Whether the firewall of Proxmox VE is in front of every NIC',
    schema: yesNo,
    default: 'false',
  },
  network_rate: {
    about: "Whether NICs are slowed down to the network's rate",
    schema: yesNo,
    default: 'false',
  },
  network_mtu: {
    about:
      "The MTU of virtio NICs: a number, `bridge` for the bridge's, `network` for the network's own",
    schema: text({
      pattern: /^(bridge|network|[1-9]\d{2,4})$/,
      wants: 'a number, bridge or network',
    }),
    example: 'bridge',
  },
  firmware: {
    about:
      'The firmware of machines that boot from an ISO image; unset: what the instance asks for',
    schema: oneOf('seabios', 'ovmf'),
  },
  machine: {
    about: 'The machine type; unset: the one of the template, or of Proxmox VE',
    schema: text({ most: 40, pattern: /^[A-Za-z0-9.+_-]+$/, wants: 'a machine type' }),
    example: 'q35',
  },
  tpm: {
    about: 'Whether machines that boot from an ISO image get a TPM 2.0',
    schema: yesNo,
    default: 'false',
  },
  cpu_type: {
    about: 'The CPU type; unset: the one of the template, and x86-64-v2-AES with an ISO image',
    schema: text({
      most: 200,
      pattern: /^[A-Za-z0-9][\w.+-]*(,(flags|hidden|phys-bits|hv-vendor-id)=[\w.+;-]+)*$/,
      wants: 'a CPU type, with its flags if need be',
    }),
    example: 'host',
  },
  onboot: {
    about: 'Whether Proxmox VE starts machines by itself when a node comes up',
    schema: yesNo,
    default: 'false',
  },
  guest_agent: {
    about: 'Whether the guest agent is expected in the guest; unset: as in the template',
    schema: yesNo,
  },
  cloud_init: {
    about:
      'What cloud-init is told: `static` the addresses of the NICs, `dhcp` to ask for them, `off` nothing',
    schema: oneOf('off', 'dhcp', 'static'),
    default: 'off',
  },
  cloud_init_user: {
    about: 'The user that cloud-init gives the SSH key of the instance to; unset: its own default',
    schema: text({ most: 64, pattern: /^[a-z_][a-z0-9_.-]*$/i, wants: 'a user name' }),
    example: 'ubuntu',
  },
  cloud_init_snippets: {
    about: 'Further files for cloud-init, as the option cicustom of Proxmox VE',
    schema: text({
      most: 500,
      pattern: /^(user|network|meta|vendor)=[^,\s]+(,(user|network|meta|vendor)=[^,\s]+)*$/,
      wants: 'such as vendor=local:snippets/vendor.yaml',
    }),
    example: 'vendor=local:snippets/vendor.yaml',
  },
  allowed_templates: allowedTemplates,
  allowed_isos: allowedIsos,
  allowed_storages: allowedStorages,
  max_disk_gb: maxDiskGb,
  max_snapshots: maxSnapshots,
  snapshot_memory: snapshotMemory,
  min_free_memory_gb: {
    about: 'How much memory of the node must stay free when an instance is made',
    schema: wholeNumber({ min: 0, max: 100_000 }),
    default: '1',
    unit: 'GiB',
  },
  min_free_storage_percent: {
    about: 'How much of a storage must be free for an instance to be made or saved on it',
    schema: wholeNumber({ min: 0, max: 90 }),
    default: '5',
    unit: '%',
  },
  grace_seconds: graceSeconds,
  adopt_unmarked: adoptUnmarked,
  delete_adopted: deleteAdopted,
  console_url: consoleUrl,
  console_address: {
    about:
      'Where the console proxy reaches the nodes: one address, or address by host or node (pve1=10.1.1.11,pve2=10.1.1.12); unset: the host in the url',
    schema: text({
      most: 2000,
      pattern: new RegExp(
        `^${hostName}$|^${hostName} *= *${hostName}( *, *${hostName} *= *${hostName})*$`,
      ),
      wants: 'an address, or host=address separated by commas',
    }),
    example: 'pve1=10.1.1.11,pve2=10.1.1.12',
  },
  backup_storage: {
    about: 'The storage that Backup writes to; unset: the first one of the node that takes backups',
    schema: text({ pattern: storageName, wants: 'the name of a storage' }),
    example: 'backup',
  },
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** What cannot be seen by looking at one setting alone. */
export function settingsIssues(given: Settings): readonly string[] {
  const { node: own, nodes: spoken = [own], other_nodes: others, token_next, secret_next } = given;
  const twice = spoken.filter((name) => others?.includes(name));
  return [
    ...(spoken.includes(own) ? [] : [`"nodes" has to name this host's own "node" (${own}) too`]),
    ...(twice.length === 0 ? [] : [`"nodes" and "other_nodes" both name ${twice.join(', ')}`]),
    ...(token_next === undefined || secret_next !== undefined
      ? []
      : ['"token_next" needs "secret_next"']),
  ];
}
