import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { diskSizeGb } from '../../../lifecycle/shared-settings.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';

/** The custom actions, with the names that other providers have for them. */
export const actions = {
  ...snapshotActions({ disks: 'disk', timeoutSeconds: 300 }),
  GetIpAddresses: {
    about: 'Lists the addresses of the instance',
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
    about: 'Makes the disk of the instance larger',
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
    about: 'Shows what Incus knows of the instance',
    parameters: {},
    timeoutSeconds: 30,
    roles: adminOnly,
    wants: 'shown',
  },
} as const satisfies Actions;
