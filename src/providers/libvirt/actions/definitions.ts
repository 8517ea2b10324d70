import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { text } from '../../../kit/fields.ts';
import { diskActions, diskStorage } from '../../../lifecycle/disk-actions.ts';
import { powerActions } from '../../../lifecycle/power-actions.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';
import { volume } from '../settings.ts';

const disks = diskActions({ example: 'data-1', timeoutSeconds: 120 });

/** The custom actions, with the names that other providers have for them. */
export const actions = {
  ...snapshotActions({ disks: 'disk', timeoutSeconds: 300 }),
  GetIpAddresses: {
    about: 'Lists the addresses of the instance',
    succeeded: 'The addresses of the instance',
    failed: 'The addresses could not be listed. The instance has to be running',
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
      storage: {
        ...diskStorage,
        about: "The storage pool; without it the root disk's",
        optionsFrom: ['allowed_storages'],
      },
    },
  },
  AttachIso: {
    about: 'Puts an ISO image into the drive of the instance',
    succeeded: 'The image is in the drive',
    failed: 'No image was put in. It has to be a volume of iso_pool, and allowed',
    parameters: {
      iso_path: {
        type: 'STRING',
        about: 'The volume of iso_pool',
        example: 'debian-12-netinst.iso',
        optionsFrom: ['allowed_isos'],
        schema: text(volume),
        required: true,
      },
    },
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  DetachIso: {
    about: 'Takes the ISO image out of the drive of the instance',
    succeeded: 'The drive is empty',
    failed: 'The drive could not be emptied. The guest may have locked it',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Reinstall: {
    about:
      'Makes the root disk anew from its template or image; NICs, CPUs, memory size and data disks stay, the old root disk is gone',
    succeeded: 'The instance was installed anew',
    failed:
      'The instance was not installed anew. The instance has to be confirmed, its template has to be there and allowed, and its snapshots have to be removed first',
    effect: 'discards',
    parameters: {},
    timeoutSeconds: 1800,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
  GetDetails: {
    about: 'Shows what libvirt knows of the instance',
    succeeded: 'The instance in libvirt',
    failed: 'The instance could not be shown',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 30,
    roles: adminOnly,
    wants: 'shown',
  },
} as const satisfies Actions;
