import { type Actions, adminOnly, everyone } from '../../contract/action.ts';
import { snapDescription, snapName, snapSaveMemory } from '../../lifecycle/shared-settings.ts';

/** The custom actions, with the names and parameters of the built-in extensions where they have them. */
export const actions = {
  ListSnapshots: {
    about: 'Lists the snapshots of the instance',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
  },
  CreateSnapshot: {
    about: 'Saves the disk of the instance, and its memory where that is allowed',
    parameters: {
      snap_name: snapName,
      snap_description: snapDescription,
      snap_save_memory: snapSaveMemory,
    },
    timeoutSeconds: 120,
    roles: everyone,
  },
  RestoreSnapshot: {
    about: 'Puts the disk back to what it was; NICs, CPUs and memory size stay as they are today',
    parameters: { snap_name: snapName },
    timeoutSeconds: 120,
    roles: everyone,
  },
  DeleteSnapshot: {
    about: 'Removes a snapshot',
    parameters: { snap_name: snapName },
    timeoutSeconds: 120,
    roles: everyone,
  },
  GetIpAddresses: {
    about: 'Lists the addresses of the instance',
    parameters: {},
    timeoutSeconds: 30,
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
  },
} as const satisfies Actions;
