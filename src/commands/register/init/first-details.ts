/**
 * The details that a first instance needs beside the required ones, by provider. Of several in one entry
 * one is enough, and the first stands in the file.
 */
export const firstDetails: Readonly<Record<string, readonly (readonly string[])[]>> = {
  proxmox: [['tls_fingerprint', 'ca_file'], ['template_id']],
  hyperv: [['tls_fingerprint', 'ca_file'], ['template_path']],
  maas: [['distro_series']],
  incus: [
    ['tls_fingerprint', 'ca_file'],
    ['network', 'bridge', 'vlan_network', 'vlan_bridge'],
  ],
  libvirt: [
    ['ca_file', 'tls_fingerprint'],
    ['bridge', 'network', 'vlan_bridge', 'vlan_network'],
    ['template_id'],
  ],
  simulator: [['template_id']],
};
