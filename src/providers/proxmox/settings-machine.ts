import * as v from 'valibot';
import type { Fields } from '../../contract/field.ts';
import { list, oneOf, text, yesNo } from '../../kit/fields.ts';
import { vendorData } from '../../lifecycle/shared-settings.ts';

export const storageName = /^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$/;

/** The properties of machines that hold no matter what their instances ask for. */
export const machineSettings = {
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
  disk_format: {
    about:
      'The format of new disks on storages that keep them as files (only qcow2 can be snapshotted there); on others they are raw',
    schema: oneOf('qcow2', 'raw'),
    default: 'qcow2',
  },
  data_disk_bus: {
    about: 'The bus of new data disks; both kinds come and go while an instance runs',
    schema: oneOf('scsi', 'virtio'),
    default: 'scsi',
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
  seed_storage: {
    about:
      'The storage for the images that hand user data, keys and passwords to guests: a directory storage of its own with content iso; unset: no user data',
    schema: text({ pattern: storageName, wants: 'the name of a storage' }),
    example: 'seeds',
  },
  vendor_data: vendorData,
} as const satisfies Fields;

// ---- network ----

const bridgeName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;
const networkKey = /^[^=,\s][^=,]{0,254}$/;

/** How NICs are wired. */
export const networkSettings = {
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
} as const satisfies Fields;

interface Shape {
  /** The text that may stand before the equals sign. */
  readonly key: RegExp;
  /** The text that may stand after it. */
  readonly value: RegExp;
  readonly wants: string;
}

/** `key=value,key=value` as a map; a key that comes twice is refused. */
function pairs({ key, value, wants }: Shape): () => v.GenericSchema<string, Pairs> {
  return () =>
    v.pipe(
      list({ most: 1000 })(),
      v.check(
        (entries) => entries.every((entry) => isPair(entry, key, value)),
        `must be a comma-separated list of ${wants}`,
      ),
      v.transform((entries) => entries.map(split)),
      v.check(
        (entries) => new Set(entries.map(([name]) => name.toLowerCase())).size === entries.length,
        'must not name anything twice',
      ),
      v.transform((entries): Pairs => new Map(entries)),
    );
}

export type Pairs = ReadonlyMap<string, string>;

function isPair(entry: string, key: RegExp, value: RegExp): boolean {
  const [name, meant] = split(entry);
  return key.test(name) && value.test(meant);
}

function split(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry.trim(), ''] : [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
}
