import { type Actions, adminOnly, everyone, type Parameter } from '../../../contract/action.ts';
import { text, wholeNumber } from '../../../kit/fields.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';
import { blueprint, isoForm, isoPattern } from '../blueprint.ts';

const isoPath = {
  type: 'STRING',
  about: 'The ISO image, as storage:iso/name.iso',
  schema: text({ most: 500, pattern: isoPattern, wants: isoForm }),
  required: true,
  example: 'local:iso/debian-12.iso',
} as const;

const nodeName = {
  type: 'STRING',
  about: 'The node to move to; one that a host speaks for',
  schema: text({
    most: 63,
    pattern: /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/,
    wants: 'the name of a node',
  }),
  required: true,
  example: 'pve2',
} as const;

const backupId = {
  type: 'STRING',
  about: 'The backup, as ListBackups shows it',
  schema: text({
    most: 300,
    pattern: /^[A-Za-z][A-Za-z0-9._-]*:backup\/[A-Za-z0-9][A-Za-z0-9._:+/-]*$/,
    wants: 'a backup from ListBackups',
  }),
  required: true,
  example: 'backup:backup/vzdump-qemu-10042-2026_11_24-10_00_00.vma.zst',
} as const;

const diskKey = {
  type: 'STRING',
  about: 'The disk, such as scsi1; without it the one that the instance boots from',
  schema: text({ pattern: /^(scsi|virtio|sata|ide)\d{1,2}$/, wants: 'a disk such as scsi0' }),
} as const satisfies Parameter;

/** The custom actions, with the names and parameters of the built-in extension where it has them. */
export const actions = {
  ...snapshotActions({ disks: 'disks', timeoutSeconds: 600 }),
  GetIpAddresses: {
    about: 'Lists the addresses that the guest agent reports',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'shown',
  },
  Reset: {
    about: 'Restarts the instance at once, without asking the guest',
    parameters: {},
    timeoutSeconds: 60,
    roles: everyone,
    wants: 'running',
  },
  Suspend: {
    about: 'Halts the instance and keeps it in memory',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
    wants: 'running',
  },
  Resume: {
    about: 'Lets a suspended instance go on',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
    wants: 'running',
  },
  ResizeDisk: {
    about: 'Makes a disk of the instance larger',
    parameters: {
      size_gb: {
        type: 'NUMBER',
        about: 'The new size of the disk',
        schema: wholeNumber({ min: 1, max: 65_536 }),
        required: true,
        unit: 'GiB',
        example: '40',
      },
      disk: diskKey,
    },
    timeoutSeconds: 120,
    roles: adminOnly,
  },
  AttachIso: {
    about: 'Puts an ISO image into the CD drive of the instance',
    parameters: { iso_path: isoPath },
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  DetachIso: {
    about: 'Takes the ISO image out of the CD drive',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Migrate: {
    about: 'Moves the instance to another node, while it runs if it does',
    parameters: { node: nodeName },
    timeoutSeconds: 3600,
    roles: adminOnly,
  },
  Backup: {
    about: 'Saves the instance to a storage for backups',
    parameters: {
      storage: {
        type: 'STRING',
        about: 'The storage; without it the one in backup_storage',
        schema: blueprint.storage.schema,
      },
    },
    timeoutSeconds: 3600,
    roles: adminOnly,
  },
  ListBackups: {
    about: 'Lists the backups whose own configuration carries the mark of this instance',
    parameters: {},
    timeoutSeconds: 120,
    roles: adminOnly,
    wants: 'shown',
  },
  RestoreBackup: {
    about: 'Puts the disks back to a backup; NICs, CPUs and memory size stay as they are today',
    parameters: { backup: backupId },
    timeoutSeconds: 3600,
    roles: adminOnly,
    destroysData: true,
  },
  Reinstall: {
    about:
      'Makes the root disk anew from the template and keeps the old one; NICs, CPUs and memory size stay as they are',
    parameters: {},
    timeoutSeconds: 3600,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
  GetDetails: {
    about: 'Shows what Proxmox VE knows of the instance',
    parameters: {},
    timeoutSeconds: 30,
    roles: adminOnly,
    wants: 'shown',
  },
} as const satisfies Actions;
