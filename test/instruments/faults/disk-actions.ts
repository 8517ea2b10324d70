import type { Vm } from '../../support/payloads.ts';
import { type Action, resultUnknown, stop, word } from './action.ts';
import type { Call } from './cloud.ts';
import type { SystemName } from './systems.ts';

const withSnapshotName =
  (name: string) =>
  (_: Vm, provider: SystemName): Call => ({
    word: name,
    parameters: { [provider === 'hyperv' ? 'snap_name' : 'snap_name']: 'before' },
  });

const withInstanceName =
  (word: string) =>
  ({ name }: Vm): Call => ({ word, parameters: { confirm: name } });

const withSnapshots = ['proxmox', 'hyperv', 'simulator'] as const;

const withSnapshot = (vm: Vm, provider: SystemName): readonly Call[] => [
  withSnapshotName('CreateSnapshot')(vm, provider),
];

/** Puts the disks back to the backup that was listed before. */
const withBackup = {
  from: 'running',
  before: () => [{ word: 'Backup' }, { word: 'ListBackups' }],
  call: ({ name }: Vm, _: SystemName, brought: string): Call => ({
    word: 'RestoreBackup',
    parameters: { confirm: name, backup: /[\w-]+:backup\/[\w.-]+/.exec(brought)?.[0] ?? '' },
  }),
  only: ['proxmox'],
} as const satisfies Partial<Action>;

/** A user who is tired of waiting destroys the instance. */
const givenUp = {
  failed: [stop, { word: 'delete' }],
  succeeded: [stop, { word: 'delete' }],
  end: 'gone',
  faults: resultUnknown,
  most: 5,
} as const;

export const diskActions: readonly Action[] = [
  {
    name: 'CreateSnapshot',
    from: 'running',
    call: withSnapshotName('CreateSnapshot'),
    failed: [{ word: 'ListSnapshots' }, 'sync'],
    end: 'running',
    only: withSnapshots,
  },
  {
    name: 'RestoreSnapshot',
    from: 'running',
    before: withSnapshot,
    call: withSnapshotName('RestoreSnapshot'),
    failed: ['again', 'sync'],
    succeeded: ['sync'],
    end: 'running',
    only: withSnapshots,
  },
  {
    name: 'DeleteSnapshot',
    from: 'running',
    before: withSnapshot,
    call: withSnapshotName('DeleteSnapshot'),
    failed: [{ word: 'ListSnapshots' }, 'sync'],
    end: 'running',
    only: withSnapshots,
    faults: resultUnknown,
  },
  {
    name: 'Backup',
    from: 'running',
    call: word('Backup'),
    failed: [{ word: 'ListBackups' }, 'sync'],
    end: 'running',
    only: ['proxmox'],
    faults: resultUnknown,
  },
  {
    ...withBackup,
    name: 'RestoreBackup',
    failed: ['again', 'sync'],
    end: 'running',
    newDisk: true,
  },
  {
    name: 'Reinstall',
    from: 'running',
    call: withInstanceName('Reinstall'),
    failed: ['again', 'sync'],
    end: 'running',
    newDisk: true,
    only: withSnapshots,
  },
  {
    name: 'Redeploy',
    from: 'running',
    call: withInstanceName('Redeploy'),
    failed: ['again', 'sync'],
    end: 'running',
    newDisk: true,
    only: ['maas'],
  },
  // A user destroys an instance whose action was interrupted.
  {
    ...givenUp,
    name: 'RestoreSnapshot-delete',
    from: 'running',
    before: withSnapshot,
    call: withSnapshotName('RestoreSnapshot'),
    only: withSnapshots,
  },
  { ...withBackup, ...givenUp, name: 'RestoreBackup-delete' },
  {
    ...givenUp,
    name: 'Reinstall-delete',
    from: 'running',
    call: withInstanceName('Reinstall'),
    only: withSnapshots,
  },
  {
    ...givenUp,
    name: 'Redeploy-delete',
    from: 'running',
    call: withInstanceName('Redeploy'),
    only: ['maas'],
  },
];
