import * as v from 'valibot';
import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { text } from '../../../kit/fields.ts';
import { diskActions } from '../../../lifecycle/disk-actions.ts';
import { powerActions } from '../../../lifecycle/power-actions.ts';
import { snapName, snapSaveMemory } from '../../../lifecycle/shared-settings.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';
import { mediaPath } from '../api/paths.ts';

/** Any name that a checkpoint may have got by other means. */
const anySnapshotName = {
  ...snapName,
  about: 'One that ListSnapshots shows',
  schema: () =>
    v.pipe(
      text({ most: 100 })(),
      v.check((name) => !/\p{Cs}/u.test(name), 'must not hold an unpaired surrogate'),
    ),
} as const;

const snapshots = snapshotActions({
  disks: 'disks',
  timeoutSeconds: 600,
  existingName: anySnapshotName,
});

/** The custom actions, with the names and parameters of the built-in extension where it has them. */
export const actions = {
  ...snapshots,
  // A PowerShell may take long to start.
  ListSnapshots: { ...snapshots.ListSnapshots, timeoutSeconds: 60 },
  // A checkpoint keeps no description.
  CreateSnapshot: {
    ...snapshots.CreateSnapshot,
    parameters: { snap_name: snapName, snap_save_memory: snapSaveMemory },
  },
  DeleteSnapshot: {
    ...snapshots.DeleteSnapshot,
    about:
      'Removes a snapshot for good; the instance itself stays as it is, and its disk is merged afterwards',
  },
  GetIpAddresses: {
    about: 'Lists the addresses that the guest reports through the integration services',
    succeeded: 'The addresses that the guest reports',
    failed: 'The addresses could not be listed. The guest has to run the integration services',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 60,
    roles: everyone,
    wants: 'shown',
  },
  ...powerActions,
  ...diskActions({
    example: 'data-1',
    timeoutSeconds: 120,
    growsUnless:
      '; it cannot grow while the instance has snapshots, on IDE (generation 1) only while it is stopped',
  }),
  AttachIso: {
    about: 'Puts an ISO image into the drive of the instance',
    succeeded: 'The image is in the drive',
    failed: 'No image was put in. It has to be a file on the Hyper-V host, and allowed',
    parameters: {
      iso_path: {
        type: 'STRING',
        about: 'Path of the image on the Hyper-V host',
        example: 'D:\\ISO\\debian-12.iso',
        optionsFrom: ['allowed_isos'],
        schema: mediaPath(['iso'], 'allowed_isos'),
        required: true,
      },
    },
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  DetachIso: {
    about: 'Takes the ISO image out of the drive of the instance',
    succeeded: 'The drive is empty',
    failed: 'The drive could not be emptied',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Reinstall: {
    about:
      'Makes the root disk anew from its template or image, without the snapshots; NICs, CPUs, memory size and data disks stay',
    succeeded: 'The instance was installed anew',
    failed:
      'The instance was not installed anew. The instance has to be confirmed, and its template has to be there and allowed',
    effect: 'discards',
    parameters: {},
    timeoutSeconds: 1800,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
} as const satisfies Actions;
