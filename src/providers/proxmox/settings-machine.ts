import type { Fields } from '../../contract/field.ts';
import { oneOf, text, yesNo } from '../../kit/fields.ts';

/** What machines are like, whatever their instances ask for. */
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
} as const satisfies Fields;
