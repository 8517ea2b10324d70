import { type Action, cleanUp, resultUnknown, stop, word } from './action.ts';

const createOnly = {
  from: 'prepared',
  call: word('create'),
  faults: resultUnknown,
  most: 5,
} as const;

/** Its user data reach the guest on an image, which comes and goes with the machine. */
const withUserData = {
  userData: true,
  only: ['proxmox', 'hyperv'],
  faults: resultUnknown,
} as const;

export const lifeActions: readonly Action[] = [
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
    ...withUserData,
    name: 'create-user-data',
    from: 'prepared',
    call: word('create'),
    failed: [cleanUp, 'again'],
    end: 'running',
  },
  {
    ...withUserData,
    name: 'create-user-data-stop',
    from: 'prepared',
    call: word('create'),
    failed: [cleanUp],
    end: 'audited',
  },
  {
    ...withUserData,
    name: 'start-user-data',
    from: 'stopped',
    call: word('start'),
    failed: [{ word: 'stop', state: 'Starting' }, 'again'],
    end: 'running',
  },
  {
    ...withUserData,
    name: 'delete-user-data',
    from: 'stopped',
    call: word('delete'),
    failed: ['again'],
    end: 'gone',
  },
  {
    name: 'clean-up',
    from: 'partial',
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
  // A user stops an instance whose action was interrupted.
  {
    name: 'reboot-stop',
    from: 'running',
    call: word('reboot'),
    failed: [stop],
    succeeded: [stop],
    end: 'stopped',
    faults: resultUnknown,
    most: 5,
  },
];
