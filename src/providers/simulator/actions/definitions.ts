import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { diskActions, diskStorage } from '../../../lifecycle/disk-actions.ts';
import { powerActions } from '../../../lifecycle/power-actions.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';

const disks = diskActions({ example: 'data-1', timeoutSeconds: 120 });

/** The custom actions, with the names and parameters of the built-in extensions where they have them. */
export const actions = {
  ...snapshotActions({ disks: 'disk', timeoutSeconds: 120 }),
  GetIpAddresses: {
    about: 'Lists the addresses of the instance',
    succeeded: 'The addresses of the instance',
    failed: 'The addresses could not be listed',
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
    parameters: { ...disks.AddDisk.parameters, storage: diskStorage },
  },
  Reinstall: {
    about:
      'Makes the root disk anew from the template; NICs, CPUs, memory size and data disks stay as they are',
    succeeded: 'The instance was installed anew',
    failed:
      'The instance was not installed anew. The instance has to be confirmed, and its template has to be there and allowed',
    effect: 'discards',
    parameters: {},
    timeoutSeconds: 600,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
  GetDetails: {
    about: 'Shows what the simulator knows of the instance',
    succeeded: 'The machine of the instance',
    failed: 'The machine could not be shown',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 30,
    roles: adminOnly,
    wants: 'shown',
  },
} as const satisfies Actions;
