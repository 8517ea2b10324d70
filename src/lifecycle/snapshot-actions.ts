import { everyone, type Parameter } from '../contract/action.ts';
import { snapDescription, snapName, snapSaveMemory } from './shared-settings.ts';

interface Wording {
  /** `disk` or `disks`, as instances of the provider have. */
  readonly disks: 'disk' | 'disks';
  readonly timeoutSeconds: number;
  /** For a remote system whose snapshots may have got names that a new one cannot have. */
  readonly existingName?: Parameter<string>;
}

/** The definitions of the custom actions about snapshots, for a driver that has `snapshots`. */
export function snapshotActions({ disks, timeoutSeconds, existingName = snapName }: Wording) {
  return {
    ListSnapshots: {
      about: 'Lists the snapshots of the instance',
      parameters: {},
      timeoutSeconds: 30,
      roles: everyone,
    },
    CreateSnapshot: {
      about: `Saves the ${disks} of the instance, and its memory where that is allowed`,
      parameters: {
        snap_name: snapName,
        snap_description: snapDescription,
        snap_save_memory: snapSaveMemory,
      },
      timeoutSeconds,
      roles: everyone,
    },
    RestoreSnapshot: {
      about: `Puts the ${disks} back; NICs, CPUs and memory size stay as they are today`,
      parameters: { snap_name: existingName },
      timeoutSeconds,
      roles: everyone,
    },
    DeleteSnapshot: {
      about: 'Removes a snapshot',
      parameters: { snap_name: existingName },
      timeoutSeconds,
      roles: everyone,
    },
  } as const;
}
