import { Failure, type FailureKind } from '../../../failure.ts';

type Meaning = readonly [pattern: RegExp, kind: FailureKind, advice?: string, tenant?: string];

const busy = 'The machine of this instance is busy (a backup or the like); please try again later';

/** Texts that qemu-server, pve-storage and pve-cluster emit, and what to do about each. */
const meanings: readonly Meaning[] = [
  [
    /VM is locked \((clone|create)\)/,
    'conflict',
    'It is being made: wait until the task that makes it has ended. `outrigger audit` says if none does',
    busy,
  ],
  [
    /VM is locked \(suspended\)/,
    'conflict',
    'Its memory is saved to disk: start it, or delete it',
    'The memory of this instance is saved to disk; start it first',
  ],
  [/VM is locked \(/, 'conflict', 'Wait until the task that holds the lock has ended', busy],
  [/can't lock file '[^']*' - got timeout/, 'conflict', 'Another task works on it: wait', busy],
  [
    /checksum mismatch|detected modified configuration/,
    'conflict',
    'Another call or person changed it at the same moment: look at it, then try again',
  ],
  [
    /no quorum|\/etc\/pve\/.* - Permission denied/,
    'upstream',
    'The cluster has no quorum: nothing was changed, and nothing can be until it is back (pvecm status)',
  ],
  [
    /^hostname lookup '|^no such cluster node '/,
    'config',
    'Check the names in node, nodes and other_nodes',
  ],
  [
    /storage '[^']*' (does not exist|is disabled|is not available on node)|unable to activate storage/,
    'config',
    'Check the setting storage against Datacenter > Storage',
  ],
  [
    /Linked clone feature is not supported/,
    'config',
    'The storage of the template cannot link: set is_full_clone to true',
  ],
  [
    /VM uses local storage/,
    'config',
    'Give a template for each node: template_id=pve1=9000,pve2=9001',
  ],
  [
    /bridge '[^']*' does not exist|no such network|start failed/,
    'upstream',
    'Check bridge, vnet and the log of the task on the node',
  ],
  [/volume '[^']*' does not exist/, 'not-found', 'Check iso_path and the disks of the machine'],
  [
    /snapshot feature is not available/,
    'unsupported',
    'The storage of its disks cannot make snapshots',
    'The storage of this instance cannot make snapshots',
  ],
  [
    /protection mode enabled/,
    'conflict',
    'Take the protection off if it may go',
    'The machine of this instance is protected against removal; ask your administrator',
  ],
  [
    /No space left|(not enough|insufficient) (free )?space|out of space/i,
    'conflict',
    'Free space on the storage, or choose another',
  ],
];

/** The failure behind a text of Proxmox VE: of an answer, or the end of a task. */
export function failureOfText(
  text: string,
  { what }: { readonly what: string },
  status?: number,
): Failure {
  const [, kind, advice, tenant] = meanings.find(([pattern]) => pattern.test(text)) ?? [];
  return new Failure(kind ?? 'upstream', `Could not ${what}: ${text}`, {
    remote: status === undefined ? { exit: text } : { status, message: text },
    ...{ advice, tenant },
  });
}
