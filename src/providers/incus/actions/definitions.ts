import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { text } from '../../../kit/fields.ts';
import { diskActions, diskStorage } from '../../../lifecycle/disk-actions.ts';
import { powerActions } from '../../../lifecycle/power-actions.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';

const disks = diskActions({ example: 'default/data1', timeoutSeconds: 120 });

/** The custom actions, with the names that other providers have for them. */
export const actions = {
  ...snapshotActions({ disks: 'root disk', timeoutSeconds: 300 }),
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
        about: "The pool; without it the root disk's",
        optionsFrom: ['allowed_storages'],
      },
    },
  },
  Reinstall: {
    about:
      'Makes the root disk anew from the image; data disks, NICs, CPUs and memory size stay, the old root disk is gone',
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
      'The instance was not moved. The member has to be one that a host speaks for, with room and the same networks and pools; data disks have to be on shared storage',
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
