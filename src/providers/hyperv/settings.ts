import * as v from 'valibot';
import type { Fields, Values } from '../../contract/field.ts';
import { list, oneOf, text, wholeNumber } from '../../kit/fields.ts';
import {
  adoptUnmarked,
  allowedIsos,
  allowedTemplates,
  caFile,
  consoleButton,
  consoleUrl,
  deleteAdopted,
  deleteDetachedDisks,
  graceSeconds,
  maxDiskGb,
  maxDisks,
  maxSnapshots,
  maxUserData,
  otherNodes,
  snapshotMemory,
  tlsFingerprint,
  vendorData,
  verifyTlsCertificate,
} from '../../lifecycle/shared-settings.ts';
import { folderPath } from './api/paths.ts';
import { address, switchName } from './settings-address.ts';

const localOnly = '*:\\*';

/** How to reach the host, where its instances go and what it allows. */
export const settings = {
  url: {
    about: 'The Hyper-V host: a name, an address, or the https:// address of its WinRM service',
    schema: address,
    required: true,
    example: 'https://hv1.example.org:5986',
  },
  port: {
    about: 'Port of WinRM over HTTPS, in place of the one in the url',
    schema: wholeNumber({ min: 1, max: 65_535 }),
    example: '5986',
  },
  username: {
    about: 'Account that may manage Hyper-V: user, DOMAIN\\user or user@domain',
    schema: text({ most: 256 }),
    required: true,
    example: 'EXAMPLE\\svc-outrigger',
  },
  password: {
    about: 'Its password',
    schema: () => v.pipe(v.string(), v.maxLength(256, 'must not be longer than 256 characters')),
    required: true,
    secret: true,
  },
  domain: {
    about: 'Windows domain of the account, where the username does not name it',
    schema: text({ most: 255, pattern: /^[^\\/@\s]+$/, wants: 'the name of a domain' }),
    example: 'EXAMPLE',
  },
  authentication: {
    about:
      'How to log in: ntlm (NTLMv2 bound to the TLS connection), or basic for a local account where the service allows it',
    schema: oneOf('ntlm', 'basic'),
    default: 'ntlm',
  },
  verify_tls_certificate: verifyTlsCertificate,
  tls_fingerprint: tlsFingerprint,
  ca_file: caFile,
  network_switch: {
    about: 'The virtual switch that network adapters are connected to',
    schema: switchName,
    required: true,
    also: ['network_bridge'],
    example: 'External',
  },
  network_switches: {
    about:
      'Switches for single networks, as network=switch by the UUID or name of the network; all others use network_switch',
    schema: list({
      most: 200,
      pattern: /^[^=]{1,255}=[^=*?[\]`"]{1,100}$/,
      wants: 'network=switch pairs',
    }),
    example: 'D1-A2-Z1-S204=Internal',
  },
  vhd_path: {
    about: 'Folder on the host for the disks of instances',
    schema: folderPath,
    required: true,
    example: 'D:\\Hyper-V\\Disks',
  },
  vm_path: {
    about: 'Folder on the host for the configuration of instances',
    schema: folderPath,
    required: true,
    example: 'D:\\Hyper-V\\Machines',
  },
  min_free_gb: {
    about: 'Space that stays free in vhd_path: nothing is made that would go below',
    schema: wholeNumber({ min: 0, max: 65_536 }),
    default: '5',
    unit: 'GiB',
  },
  allowed_templates: {
    ...allowedTemplates,
    about:
      'Patterns of the template files that instances may choose; the default allows every one on the host itself, none on a share',
    default: localOnly,
    example: 'D:\\Templates\\*',
  },
  allowed_isos: {
    ...allowedIsos,
    about:
      'Patterns of the ISO images that instances may choose; the default allows every one on the host itself, none on a share',
    default: localOnly,
    example: 'D:\\ISO\\*',
  },
  max_disk_gb: maxDiskGb,
  max_disks: maxDisks,
  max_snapshots: maxSnapshots,
  max_user_data: maxUserData,
  snapshot_memory: snapshotMemory,
  checkpoint_type: {
    about:
      'Kind of snapshots: production (consistent in the guest where it can), productiononly (or fail), standard',
    schema: oneOf('production', 'productiononly', 'standard'),
    default: 'production',
  },
  dynamic_memory_percent: {
    about:
      'With dynamic memory: how much of its memory an instance keeps at least; unset: memory is fixed',
    schema: wholeNumber({ min: 1, max: 100 }),
    unit: '%',
    example: '50',
  },
  automatic_start_action: {
    about:
      'What happens to instances when the host starts; CloudStack expects that nothing does, since networks may have changed',
    schema: oneOf('nothing', 'startifrunning', 'start'),
    default: 'nothing',
  },
  automatic_stop_action: {
    about:
      'What happens to instances when the host shuts down; a saved one would come back with its old network',
    schema: oneOf('shutdown', 'turnoff', 'save'),
    default: 'shutdown',
  },
  grace_seconds: graceSeconds,
  other_nodes: {
    ...otherNodes,
    about:
      'On a member of a failover cluster: the nodes whose instances other CloudStack hosts report',
  },
  vendor_data: vendorData,
  adopt_unmarked: adoptUnmarked,
  delete_adopted: deleteAdopted,
  delete_detached_disks: deleteDetachedDisks,
  console_url: consoleUrl,
  console_button: consoleButton,
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** The details that prepare returns. */
export const stored = {
  hyperv_id: 'The GUID of the virtual machine where there is one already; a hint, never proof',
  hyperv_host: 'The name of the Hyper-V host that was asked; a hint, never proof',
} as const;

/** The problems that no setting shows alone, such as two settings that contradict each other. */
export function settingsIssues(settings: Settings): readonly string[] {
  const { network_switches = [], checkpoint_type, snapshot_memory } = settings;
  const networks = network_switches.map((pair) => pair.split('=')[0]?.trim().toLowerCase());
  const twice = networks.filter((name, i) => networks.indexOf(name) !== i);
  const drives = (['vm_path', 'vhd_path'] as const).filter((key) =>
    /^[A-Z]:\\?$/i.test(settings[key]),
  );
  return [
    ...(twice.length === 0 ? [] : [`"network_switches" names ${twice.join(', ')} twice`]),
    ...drives.map((key) => `"${key}" must be a folder, not a whole drive`),
    ...(checkpoint_type === 'standard' && !snapshot_memory
      ? ['"checkpoint_type" standard saves the memory too: set "snapshot_memory" to true']
      : []),
  ];
}
