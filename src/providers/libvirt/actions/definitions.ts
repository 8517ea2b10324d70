import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { powerActions } from '../../../lifecycle/power-actions.ts';
import { diskSizeGb } from '../../../lifecycle/shared-settings.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';

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
  ResizeDisk: {
    about: 'Makes the disk of the instance larger',
    succeeded: 'The disk has its new size',
    failed:
      'The disk did not grow. A disk never gets smaller, and one with snapshots keeps its size',
    parameters: {
      size_gb: {
        type: 'NUMBER',
        about: 'The new size of the disk',
        schema: diskSizeGb.schema,
        unit: 'GiB',
        required: true,
        example: '40',
      },
    },
    timeoutSeconds: 120,
    roles: adminOnly,
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
