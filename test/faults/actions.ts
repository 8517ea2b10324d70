import type { Vm } from '../providers/payloads.ts';
import type { Call } from './cloud.ts';
import type { SystemName } from './systems.ts';

/** What there has to be in the end, when CloudStack has made all its calls. */
export type End = 'running' | 'stopped' | 'gone' | 'audited';

/** An action as a value: what is there before, the call, and what CloudStack does next. */
export interface Action {
  readonly name: string;
  /** What the instance is before: no machine yet, or one of these. */
  readonly from: 'nothing' | 'prepared' | 'half-made' | 'running' | 'stopped' | 'snapshot';
  call(vm: Vm, provider: SystemName): Call;
  /** CloudStack's calls after a failure or a time-out; they have to succeed. */
  readonly failed: readonly Follow[];
  readonly succeeded?: readonly Follow[];
  readonly end: End;
  /** What the instance keeps on its disk is another thing afterwards. */
  readonly newDisk?: boolean;
  /** Calls of this one and of the clean-up after it, while the fault lasts. */
  readonly pairs?: number;
  readonly only?: readonly SystemName[];
  /** Struck at so many requests or changes only by faults that do not strike at all of them. */
  readonly most?: number;
  /** For the faults of these names only; all of them without. */
  readonly faults?: readonly string[];
}

/**
 * A later call: the action itself again, here or elsewhere, another one, or what the power sync
 * does: it asks, and where the machine is off it stops the instance, which somebody starts then.
 */
export type Follow = 'again' | 'elsewhere' | 'sync' | Call;

/** What CloudStack calls when a start has failed, before it does anything else. */
export const cleanUp: Call = { word: 'stop', state: 'Starting', deploying: true };

/** Enough for what is the same whatever is to be done: it goes wrong before that is looked at. */
export const few = ['create', 'stop', 'delete', 'status'] as const;

const word = (name: string) => (): Call => ({ word: name });

const withSnapshotName =
  (name: string) =>
  (_: Vm, provider: SystemName): Call => ({
    word: name,
    parameters: { [provider === 'hyperv' ? 'snapshot_name' : 'snap_name']: 'before' },
  });

const withInstanceName =
  (word: string) =>
  ({ name }: Vm): Call => ({ word, parameters: { instance_name: name } });

const withSnapshots = ['proxmox', 'hyperv', 'simulator'] as const;

/** Faults after which nobody knows what became of the action. */
const inTheDark = [
  'none',
  'refused',
  'gone',
  'answer-lost',
  'hang-after',
  'killed',
  'terminated',
  'state-full',
];

const createOnly = {
  from: 'prepared',
  call: word('create'),
  faults: inTheDark,
  most: 5,
} as const;

const stop: Call = { word: 'stop', state: 'Running' };

/** Whoever is tired of waiting destroys the instance. */
const givenUp = {
  failed: [stop, { word: 'delete' }],
  succeeded: [stop, { word: 'delete' }],
  end: 'gone',
  faults: inTheDark,
  most: 5,
} as const;

export const actions: readonly Action[] = [
  {
    name: 'prepare',
    from: 'nothing',
    call: word('prepare'),
    failed: [cleanUp, { word: 'create' }],
    succeeded: [{ word: 'create' }],
    end: 'running',
    only: ['proxmox', 'maas', 'simulator'],
  },
  {
    name: 'create',
    from: 'prepared',
    call: word('create'),
    failed: [cleanUp, 'again'],
    end: 'running',
  },
  // Of the management server itself: it ends, it repeats, it tries elsewhere, it gives up.
  { ...createOnly, name: 'create-nothing', failed: [], end: 'audited' },
  { ...createOnly, name: 'create-stop', failed: [cleanUp], end: 'audited' },
  { ...createOnly, name: 'create-again', failed: ['again'], end: 'running' },
  {
    ...createOnly,
    name: 'create-elsewhere',
    failed: [cleanUp, 'elsewhere'],
    end: 'running',
    only: ['proxmox', 'simulator'],
  },
  {
    ...createOnly,
    name: 'create-pairs',
    pairs: 11,
    failed: [],
    end: 'audited',
    faults: ['refused', '503', 'state-full'],
  },
  {
    name: 'clean-up',
    from: 'half-made',
    call: () => cleanUp,
    failed: ['again'],
    end: 'gone',
  },
  {
    name: 'start',
    from: 'stopped',
    call: word('start'),
    failed: [{ word: 'stop', state: 'Starting' }, 'again'],
    end: 'running',
  },
  { name: 'stop', from: 'running', call: word('stop'), failed: ['again'], end: 'stopped' },
  {
    name: 'reboot',
    from: 'running',
    call: word('reboot'),
    failed: ['sync', 'again'],
    end: 'running',
  },
  { name: 'delete', from: 'stopped', call: word('delete'), failed: ['again'], end: 'gone' },
  { name: 'status', from: 'running', call: word('status'), failed: ['again'], end: 'running' },
  {
    name: 'statuses',
    from: 'running',
    call: word('statuses'),
    failed: [{ word: 'status' }, 'again'],
    end: 'running',
  },
  {
    name: 'getconsole',
    from: 'running',
    call: word('getconsole'),
    failed: ['again'],
    end: 'running',
  },
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
    from: 'snapshot',
    call: withSnapshotName('RestoreSnapshot'),
    failed: ['again', 'sync'],
    succeeded: ['sync'],
    end: 'running',
    only: withSnapshots,
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
  // Somebody stops or destroys an instance whose action was interrupted.
  {
    name: 'reboot-stop',
    from: 'running',
    call: word('reboot'),
    failed: [stop],
    succeeded: [stop],
    end: 'stopped',
    faults: inTheDark,
    most: 5,
  },
  {
    ...givenUp,
    name: 'RestoreSnapshot-delete',
    from: 'snapshot',
    call: withSnapshotName('RestoreSnapshot'),
    only: withSnapshots,
  },
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
