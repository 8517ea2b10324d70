import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';

/** The custom actions, with the names and parameters of the built-in extensions where they have them. */
export const actions = {
  ...snapshotActions({ disks: 'disk', timeoutSeconds: 120 }),
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
  Reinstall: {
    about: 'Makes the disk anew from the template; NICs, CPUs and memory size stay as they are',
    parameters: {},
    timeoutSeconds: 600,
    roles: adminOnly,
    destroysData: true,
    usesBlueprint: true,
  },
  GetDetails: {
    about: 'Shows what the simulator knows of the instance',
    parameters: {},
    timeoutSeconds: 30,
    roles: adminOnly,
    wants: 'shown',
  },
} as const satisfies Actions;
