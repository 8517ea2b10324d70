import { adminOnly, type Parameter } from '../contract/action.ts';
import { text, wholeNumber } from '../kit/fields.ts';

interface Wording {
  /** A disk as ListDisks shows it. */
  readonly example: string;
  readonly timeoutSeconds: number;
  /** More reasons why a disk does not grow, as the end of a sentence. */
  readonly growsUnless?: string;
}

const sizeGb = {
  type: 'NUMBER',
  about: 'The size of the disk',
  schema: wholeNumber({ min: 1, max: 65_536 }),
  required: true,
  unit: 'GiB',
  example: '40',
  title: 'Size in GiB',
} as const satisfies Parameter;

/** For AddDisk and MoveDisk, where disks are put on storages that have names. */
export const diskStorage = {
  type: 'STRING',
  about: 'The storage of the disk',
  schema: text({
    most: 100,
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    wants: 'the name of a storage',
  }),
  example: 'ceph-hdd',
} as const satisfies Parameter;

/** The definitions of the custom actions about disks, for a driver that has `disks`. */
export function diskActions({ example, timeoutSeconds, growsUnless = '' }: Wording) {
  const named = {
    type: 'STRING',
    about: 'The disk, as ListDisks shows it',
    schema: text({
      most: 200,
      pattern: /^[A-Za-z0-9][\w.:/ -]*$/,
      wants: 'a disk as ListDisks shows it',
    }),
    example,
  } as const;
  const disk = { ...named, required: true } as const;
  return {
    ListDisks: {
      about: 'Lists the disks of the instance, detached ones too',
      succeeded: 'The disks of the instance',
      failed: 'The disks could not be listed',
      effect: 'shows',
      parameters: {},
      timeoutSeconds: 60,
      roles: adminOnly,
    },
    AddDisk: {
      about: 'Gives the instance a new, empty data disk, also while it runs',
      succeeded: 'The instance has a new disk',
      failed:
        'No disk was added. The number and size of disks are limited, the storage has to be allowed and needs room',
      parameters: { size_gb: sizeGb },
      timeoutSeconds,
      roles: adminOnly,
    },
    DetachDisk: {
      about:
        'Takes a data disk out of the instance and keeps it; it can only return to this instance',
      succeeded: 'The disk is detached and kept with the instance',
      failed:
        'The disk was not detached. The guest has to let go of it first: unmount it, or stop the instance',
      effect: 'interrupts',
      parameters: { disk },
      timeoutSeconds,
      roles: adminOnly,
    },
    AttachDisk: {
      about: 'Connects a detached disk of this instance again, also while it runs',
      succeeded: 'The disk is attached',
      failed: 'The disk was not attached. It has to be one that ListDisks shows for this instance',
      parameters: { disk },
      timeoutSeconds,
      roles: adminOnly,
    },
    DeleteDisk: {
      about: 'Deletes a detached disk, with all that is on it, for good',
      succeeded: 'The disk was deleted',
      failed:
        'The disk was not deleted. The instance has to be confirmed, and the disk detached and in no snapshot',
      effect: 'discards',
      parameters: { disk },
      timeoutSeconds,
      roles: adminOnly,
      destroysData: true,
    },
    ResizeDisk: {
      about: 'Makes a disk of the instance larger; the guest has to grow its file system itself',
      succeeded: 'The disk has its new size',
      failed: `The disk did not grow. A disk never gets smaller, has to be attached, and the storage needs room${growsUnless}`,
      parameters: {
        size_gb: { ...sizeGb, about: 'The new size of the disk' },
        disk: { ...named, about: 'The disk; without it the one that the instance boots from' },
      },
      timeoutSeconds,
      roles: adminOnly,
    },
  } as const;
}
