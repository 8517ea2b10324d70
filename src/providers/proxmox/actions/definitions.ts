import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { wholeNumber } from '../../../kit/fields.ts';
import { snapDescription, snapName, snapSaveMemory } from '../../../lifecycle/shared-settings.ts';
import { blueprint } from '../blueprint.ts';
import { backupId, diskKey, isoPath, nodeName } from './parameters.ts';

/** The custom actions, with the names and parameters of the built-in extension where it has them. */
export const actions = {
  ListSnapshots: {
    about: 'Lists the snapshots of the instance',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
  },
  CreateSnapshot: {
    about: 'Saves the disks of the instance, and its memory where that is allowed',
    parameters: {
      snap_name: snapName,
      snap_description: snapDescription,
      snap_save_memory: snapSaveMemory,
    },
    timeoutSeconds: 600,
    roles: everyone,
  },
  RestoreSnapshot: {
    about:
      'Puts the disks back to what they were; NICs, CPUs and memory size stay as they are today',
    parameters: { snap_name: snapName },
    timeoutSeconds: 600,
    roles: everyone,
  },
  DeleteSnapshot: {
    about: 'Removes a snapshot',
    parameters: { snap_name: snapName },
    timeoutSeconds: 600,
    roles: everyone,
  },
  GetIpAddresses: {
    about: 'Lists the addresses that the guest agent reports',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
  },
  Reset: {
    about: 'Restarts the instance at once, without asking the guest',
    parameters: {},
    timeoutSeconds: 60,
    roles: everyone,
  },
  Suspend: {
    about: 'Halts the instance and keeps it in memory',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Resume: {
    about: 'Lets a suspended instance go on',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
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
  },
} as const satisfies Actions;
