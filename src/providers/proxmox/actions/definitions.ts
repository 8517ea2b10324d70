import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { text } from '../../../kit/fields.ts';
import { diskActions, diskStorage } from '../../../lifecycle/disk-actions.ts';
import { powerActions } from '../../../lifecycle/power-actions.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';
import { blueprint, isoForm, isoPattern } from '../blueprint.ts';

const isoPath = {
  type: 'STRING',
  about: 'The ISO image, as storage:iso/name.iso',
  schema: text({ most: 500, pattern: isoPattern, wants: isoForm }),
  required: true,
  example: 'local:iso/debian-12.iso',
  optionsFrom: ['allowed_isos'],
} as const;

const nodeName = {
  type: 'STRING',
  about: 'The node to move to, one that a host speaks for',
  schema: text({
    most: 63,
    pattern: /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/,
    wants: 'the name of a node',
  }),
  required: true,
  example: 'pve2',
  optionsFrom: ['node', 'nodes', 'other_nodes'],
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

const disks = diskActions({ example: 'local-lvm:vm-10042-disk-1', timeoutSeconds: 120 });
const diskOn = { ...diskStorage, optionsFrom: ['allowed_storages'] } as const;

/** The custom actions, with the names and parameters of the built-in extension where it has them. */
export const actions = {
  ...snapshotActions({ disks: 'disks', timeoutSeconds: 600 }),
  GetIpAddresses: {
    about: 'Lists the addresses that the guest agent reports',
    succeeded: 'The addresses that the guest reports',
    failed:
      'The addresses could not be listed. The instance has to be running, with qemu-guest-agent in the guest',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'shown',
  },
  ...powerActions,
  ...disks,
  AddDisk: {
    ...disks.AddDisk,
    parameters: {
      ...disks.AddDisk.parameters,
      storage: { ...diskOn, about: "The storage; without it the root disk's" },
    },
  },
  MoveDisk: {
    about: 'Moves a disk of the instance to another storage, while it runs if it does',
    succeeded: 'The disk was moved',
    failed:
      'The disk was not moved. It has to be attached and in no snapshot, and the storage allowed and with room',
    parameters: {
      disk: disks.DetachDisk.parameters.disk,
      storage: { ...diskOn, required: true },
    },
    timeoutSeconds: 3600,
    roles: adminOnly,
  },
  AttachIso: {
    about: 'Puts an ISO image into the CD drive of the instance',
    succeeded: 'The image is in the drive',
    failed: 'No image was put in. It has to be on a storage of the node, and allowed',
    parameters: { iso_path: isoPath },
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  DetachIso: {
    about: 'Takes the ISO image out of the CD drive',
    succeeded: 'The drive is empty',
    failed: 'The drive could not be emptied',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Migrate: {
    about: 'Moves the instance to another node, while it runs if it does',
    succeeded: 'The instance was moved',
    failed:
      'The instance was not moved, or its arrival was not seen. The node has to be one that a host speaks for, with room and the same storages and bridges',
    effect: 'interrupts',
    parameters: { node: nodeName },
    timeoutSeconds: 3600,
    roles: adminOnly,
  },
  Backup: {
    about: 'Saves the instance to a storage for backups',
    succeeded: 'The backup was made',
    failed: 'No backup was made. A storage of the node has to take backups and have room',
    parameters: {
      storage: {
        type: 'STRING',
        about: 'The storage; without it the one in backup_storage',
        optionsFrom: ['backup_storage'],
        schema: blueprint.storage.schema,
      },
    },
    timeoutSeconds: 3600,
    roles: adminOnly,
  },
  ListBackups: {
    about: 'Lists the backups that carry the mark of this instance',
    succeeded: 'The backups of the instance',
    failed: 'The backups could not be listed',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 120,
    roles: adminOnly,
    wants: 'shown',
  },
  RestoreBackup: {
    about: 'Puts the disks back to a backup; NICs, CPUs and memory size stay as they are',
    succeeded: 'The backup was restored',
    failed:
      'The backup was not restored. The instance has to be confirmed, and the backup has to be one that ListBackups shows',
    effect: 'discards',
    parameters: { backup: backupId },
    timeoutSeconds: 3600,
    roles: adminOnly,
    destroysData: true,
  },
  Reinstall: {
    about:
      'Makes the root disk anew from the template, keeps the old one aside; NICs, CPUs and memory size stay',
    succeeded: 'The instance was installed anew',
    failed:
      'The instance was not installed anew. The instance has to be confirmed, its template has to be there, and its storage needs room for a second disk',
    effect: 'discards',
    parameters: {},
    timeoutSeconds: 3600,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
  GetDetails: {
    about: 'Shows what Proxmox VE knows of the instance',
    succeeded: 'The machine of the instance',
    failed: 'The machine could not be shown',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 30,
    roles: adminOnly,
    wants: 'shown',
  },
} as const satisfies Actions;
