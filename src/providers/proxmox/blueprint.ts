import type { Fields, Values } from '../../contract/field.ts';
import { isUserData, userDataIssue } from '../../guest/user-data.ts';
import { oneOf, text, yesNo } from '../../kit/fields.ts';
import { dataDiskIssues, dataDisks } from '../../lifecycle/data-disks.ts';
import {
  diskSizeGb,
  isoPath,
  secureBoot,
  storage,
  templateId,
  userData,
} from '../../lifecycle/shared-settings.ts';
import type { Settings } from './settings.ts';
import { storageName } from './settings-machine.ts';

export const isoPattern = /^[A-Za-z][A-Za-z0-9._-]*:iso\/[^/,:\s]+\.(iso|img)$/i;
export const isoForm = 'of the form storage:iso/name.iso';

/** The details that an instance may choose. */
export const blueprint = {
  template_type: {
    about: 'Whether the instance is made from a template or boots from an ISO image',
    schema: oneOf('template', 'iso'),
    default: 'template',
  },
  template_id: {
    ...templateId,
    about: 'The template: its id or name, or an id per node (pve1=9000,pve2=9001)',
    example: '9000',
  },
  iso_path: { ...isoPath, example: 'local:iso/debian-12.iso' },
  iso_os_type: {
    about: 'The kind of system that an ISO image installs',
    schema: oneOf(
      'l26',
      'l24',
      'win11',
      'win10',
      'win8',
      'win7',
      'wvista',
      'w2k8',
      'w2k3',
      'w2k',
      'wxp',
      'solaris',
      'other',
    ),
    default: 'l26',
  },
  vm_name: {
    about: 'The name of the machine in Proxmox VE; unset: the name of the instance',
    schema: text({
      most: 253,
      pattern:
        /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
      wants: 'a DNS name',
    }),
    example: 'web1',
  },
  storage: {
    ...storage,
    about:
      'The storage of full clones and of machines that boot from an ISO image (there local-lvm)',
    schema: text({ most: 100, pattern: storageName, wants: 'the name of a storage' }),
    example: 'local-lvm',
  },
  disk_size_gb: {
    ...diskSizeGb,
    about:
      'The size of the root disk; unset, or smaller than that: as in the template, and 64 with an ISO image',
  },
  data_disks: {
    ...dataDisks,
    about: `${dataDisks.about}, which is the root disk's`,
  },
  is_full_clone: {
    about: 'Whether a template is copied as a whole instead of being linked to',
    schema: yesNo,
    default: 'false',
  },
  secure_boot: secureBoot,
  user_data: {
    ...userData,
    about:
      'What cloud-init shall do at the first boot, as it is or in base64, where CloudStack itself sends none; needs seed_storage',
  },
} as const satisfies Fields;

export type Blueprint = Values<typeof blueprint>;

/** The details that prepare returns. */
export const stored = {
  proxmox_vmid: 'The id of the machine in Proxmox VE; a hint, never proof',
} as const;

export function blueprintIssues(wanted: Blueprint, settings: Settings): readonly string[] {
  return [
    ...sourceIssues(wanted),
    ...userDataIssues(wanted, settings),
    ...dataDiskIssues(wanted, settings),
  ];
}

function userDataIssues({ user_data }: Blueprint, { seed_storage }: Settings): readonly string[] {
  if (user_data === undefined) return [];
  if (seed_storage === undefined) {
    return [
      '"user_data" needs "seed_storage" on the host, a small directory storage of its own with content iso',
    ];
  }
  return isUserData(user_data) ? [] : [userDataIssue];
}

function sourceIssues({ template_type, template_id, iso_path }: Blueprint): readonly string[] {
  if (template_type === 'template' && template_id === undefined) {
    return ['"template_id" is missing: set it on the template, offering or host'];
  }
  if (template_type !== 'iso') return [];
  if (iso_path === undefined) return ['"iso_path" is missing: template_type is iso'];
  // Anything else in this place could be the disk of another machine.
  return isoPattern.test(iso_path) ? [] : [`"iso_path" must be ${isoForm}, but is ${iso_path}`];
}
