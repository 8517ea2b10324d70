import type { Fields } from '../../contract/field.ts';
import { oneOf, text, yesNo } from '../../kit/fields.ts';
import { pairs } from './pairs.ts';

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
