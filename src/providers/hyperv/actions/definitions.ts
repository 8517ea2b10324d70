import * as v from 'valibot';
import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { text, wholeNumber } from '../../../kit/fields.ts';
import { snapSaveMemory } from '../../../lifecycle/shared-settings.ts';
import { mediaPath } from '../api/paths.ts';

/** Any name that a checkpoint may have got by other means. */
const snapshotName = {
  type: 'STRING',
  about: 'Name of the snapshot',
  schema: () =>
    v.pipe(
      text({ most: 100 })(),
      v.check((name) => !/\p{Cs}/u.test(name), 'must not hold half a Unicode character'),
    ),
  required: true,
  also: ['snap_name'],
  example: 'before-upgrade',
} as const;

const newSnapshotName = {
  ...snapshotName,
  schema: text({
    most: 100,
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    wants: 'letters, digits, ".", "_" and "-"',
  }),
} as const;

/** The custom actions, with the names and parameters of the built-in extension where it has them. */
export const actions = {
  ListSnapshots: {
    about: 'Lists the snapshots (checkpoints) of the instance',
    parameters: {},
    timeoutSeconds: 60,
    roles: everyone,
  },
  CreateSnapshot: {
    about: 'Saves the disks of the instance, and its memory where that is allowed',
    parameters: { snapshot_name: newSnapshotName, snap_save_memory: snapSaveMemory },
    timeoutSeconds: 600,
    roles: everyone,
  },
  RestoreSnapshot: {
    about:
      'Puts the disks back to what they were; NICs, CPUs and memory size stay as they are today',
    parameters: { snapshot_name: snapshotName },
    timeoutSeconds: 600,
    roles: everyone,
  },
  DeleteSnapshot: {
    about: 'Removes a snapshot; its disk is merged afterwards',
    parameters: { snapshot_name: snapshotName },
    timeoutSeconds: 600,
    roles: everyone,
  },
  GetIpAddresses: {
    about: 'Lists the addresses that the guest reports through the integration services',
    parameters: {},
    timeoutSeconds: 60,
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
    about: 'Makes the disk of the instance larger; the guest has to grow its file system itself',
    parameters: {
      size_gb: {
        type: 'NUMBER',
        about: 'The new size',
        schema: wholeNumber({ min: 1, max: 65_536 }),
        unit: 'GiB',
        example: '80',
        required: true,
        also: ['vhd_size_gb'],
      },
    },
    timeoutSeconds: 120,
    roles: adminOnly,
  },
  AttachIso: {
    about: 'Puts an ISO image into the drive of the instance',
    parameters: {
      iso_path: {
        type: 'STRING',
        about: 'Path of the image on the Hyper-V host',
        example: 'D:\\ISO\\debian-12.iso',
        schema: mediaPath(['iso'], 'allowed_isos'),
        required: true,
      },
    },
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  DetachIso: {
    about: 'Takes the ISO image out of the drive of the instance',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Reinstall: {
    about:
      'Makes the disk anew from its template or ISO image, without the snapshots; NICs, CPUs and memory size stay as they are',
    parameters: {},
    timeoutSeconds: 1800,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
} as const satisfies Actions;
