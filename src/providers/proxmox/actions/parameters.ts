import type { Parameter } from '../../../contract/action.ts';
import { text } from '../../../kit/fields.ts';
import { isoForm, isoPattern } from '../blueprint.ts';

export const isoPath = {
  type: 'STRING',
  about: 'The ISO image, as storage:iso/name.iso',
  schema: text({ most: 500, pattern: isoPattern, wants: isoForm }),
  required: true,
  example: 'local:iso/debian-12.iso',
} as const;

export const nodeName = {
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

export const backupId = {
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

export const diskKey = {
  type: 'STRING',
  about: 'The disk, such as scsi1; without it the one that the instance boots from',
  schema: text({ pattern: /^(scsi|virtio|sata|ide)\d{1,2}$/, wants: 'a disk such as scsi0' }),
} as const satisfies Parameter;
