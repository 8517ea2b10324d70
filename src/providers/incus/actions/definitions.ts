import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { text } from '../../../kit/fields.ts';
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
    failed: 'The disk did not grow. A disk never gets smaller, and the storage pool needs room',
    parameters: {
      size_gb: {
        type: 'NUMBER',
        about: 'The new size of the disk',
        schema: diskSizeGb.schema,
        unit: 'GiB',
        required: true,
        example: '40',
        title: 'Size in GiB',
      },
    },
    timeoutSeconds: 120,
    roles: adminOnly,
  },
  Reinstall: {
    about:
      'Makes the disk anew from the image; NICs, CPUs and memory size stay, the old disk is gone',
    succeeded: 'The instance was installed anew',
    failed:
      'The instance was not installed anew. The instance has to be confirmed, its image has to be there, and its snapshots have to be removed first',
    effect: 'discards',
    parameters: {},
    timeoutSeconds: 600,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
  Migrate: {
    about:
      'Moves the instance to another member; a container is shut down for it and started again',
    succeeded: 'The instance was moved',
    failed:
      'The instance was not moved. The member has to be one that a host speaks for, with room and the same networks and pools',
    effect: 'interrupts',
    parameters: {
      node: {
        type: 'STRING',
        about: 'The member of the cluster to move to, one that a host speaks for',
        schema: text({
          most: 63,
          pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
          wants: 'the name of a member',
        }),
        required: true,
        example: 'member2',
        optionsFrom: ['nodes', 'other_nodes'],
      },
    },
    timeoutSeconds: 3600,
    roles: adminOnly,
  },
  GetDetails: {
    about: 'Shows what Incus knows of the instance',
    succeeded: 'The instance in Incus',
    failed: 'The instance could not be shown',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 30,
    roles: adminOnly,
    wants: 'shown',
  },
} as const satisfies Actions;
