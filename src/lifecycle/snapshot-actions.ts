import { everyone, type Parameter } from '../contract/action.ts';
import { snapDescription, snapName, snapSaveMemory } from './shared-settings.ts';

interface Wording {
  /** The part that a snapshot holds of an instance: its only disk, all of its disks, or the first one. */
  readonly disks: 'disk' | 'disks' | 'root disk';
  readonly timeoutSeconds: number;
  /** For a remote system whose snapshots may have got names that a new one cannot have. */
  readonly existingName?: Parameter<string>;
}

const knownName = { ...snapName, about: 'One that ListSnapshots shows' } as const;

/** The definitions of the custom actions about snapshots, for a driver that has `snapshots`. */
export function snapshotActions({ disks, timeoutSeconds, existingName = knownName }: Wording) {
  return {
    ListSnapshots: {
      about: 'Lists the snapshots of the instance',
      succeeded: 'The snapshots of the instance',
      failed: 'The snapshots could not be listed',
      effect: 'shows',
      parameters: {},
      timeoutSeconds: 30,
      roles: everyone,
    },
    CreateSnapshot: {
      about: `Saves the ${disks} of the instance now`,
      succeeded: 'The snapshot was made',
      failed:
        'No snapshot was made. A name begins with a letter, holds letters, digits, _ and - only, and is used once; the number of snapshots is limited, and memory may not be allowed',
      parameters: {
        snap_name: snapName,
        snap_description: snapDescription,
        snap_save_memory: snapSaveMemory,
      },
      timeoutSeconds,
      roles: everyone,
    },
    RestoreSnapshot: {
      about: `Throws away what was written since the snapshot: puts its ${disks} back; NICs, CPUs and memory size stay as they are`,
      succeeded: 'The snapshot was restored',
      failed:
        'The snapshot was not restored. Usual reasons: ListSnapshots shows no such name, or the snapshot holds memory and the instance is stopped or has another network or size since',
      effect: 'discards',
      parameters: { snap_name: existingName },
      timeoutSeconds,
      roles: everyone,
    },
    DeleteSnapshot: {
      about: 'Removes a snapshot for good; the instance itself stays as it is',
      succeeded: 'The snapshot was removed',
      failed:
        'The snapshot was not removed. Usual reasons: ListSnapshots shows no such name, or another action is at work on the instance',
      effect: 'discards',
      parameters: { snap_name: existingName },
      timeoutSeconds,
      roles: everyone,
    },
  } as const;
}
