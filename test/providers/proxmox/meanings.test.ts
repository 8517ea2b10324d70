import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FailureKind } from '../../../src/failure.ts';
import { failureOfText } from '../../../src/providers/proxmox/api/error-catalogue.ts';

/** Texts as servers of 8.4 and 9.1 gave them, the kind of each and what the operator is told to do. */
const cases: readonly (readonly [text: string, kind: FailureKind, advice: RegExp])[] = [
  ['VM is locked (clone)', 'conflict', /wait until the task that makes it has ended/],
  ['VM is locked (backup)', 'conflict', /Wait until the task that holds the lock has ended/],
  ['VM is locked (suspended)', 'conflict', /start it, or delete it/],
  ['VM is locked (suspending)', 'conflict', /Wait until the task that holds the lock has ended/],
  [
    "can't lock file '/var/lock/qemu-server/lock-121.conf' - got timeout",
    'conflict',
    /Another task works on it/,
  ],
  ['checksum mismatch (file change by other user?)', 'conflict', /look at it, then try again/],
  ['cluster not ready - no quorum?', 'upstream', /nothing was changed/],
  [
    "unable to open file '/etc/pve/nodes/pve1/qemu-server/100.conf.tmp.155' - Permission denied",
    'upstream',
    /no quorum/,
  ],
  [
    "hostname lookup 'pve9' failed - failed to get address info for: pve9: Name or service not known",
    'config',
    /names in node, nodes and other_nodes/,
  ],
  ["no such cluster node 'pve9'", 'config', /names in node, nodes and other_nodes/],
  ["storage 'nosuch' does not exist", 'config', /the setting storage/],
  ["storage 'only2' is not available on node 'pve1'", 'config', /the setting storage/],
  [
    "clone failed: unable to activate storage 'small' - directory is expected to be a mount point but is not mounted: '/mnt/small'",
    'config',
    /the setting storage/,
  ],
  [
    "Linked clone feature is not supported for 'tank:100/vm-100-disk-0.qcow2' (scsi0)",
    'config',
    /is_full_clone/,
  ],
  ["can't clone VM to node 'pve2' (VM uses local storage)", 'config', /template_id=pve1=9000/],
  ['start failed: QEMU exited with code 1', 'upstream', /bridge, vnet and the log of the task/],
  ["bridge 'vmbr77' does not exist", 'upstream', /bridge, vnet and the log of the task/],
  ["volume 'tank:140/vm-140-disk-0.qcow2' does not exist", 'not-found', /disks of the machine/],
  [
    "unable to create VM 150 - volume 'tank:iso/nosuch.iso' does not exist",
    'not-found',
    /iso_path/,
  ],
  ['snapshot feature is not available', 'unsupported', /cannot make snapshots/],
  ["can't remove VM 101 - protection mode enabled", 'conflict', /Take the protection off/],
  [
    `lvcreate 'pve/vm-150-disk-0' error:   Volume group "pve" has insufficient free space (0 extents): 2560 required.`,
    'conflict',
    /Free space on the storage/,
  ],
];

describe('what Proxmox VE says', () => {
  for (const [text, kind, advice] of cases) {
    it(`"${text.slice(0, 70)}" comes with what to do about it`, () => {
      const failure = failureOfText(text, { what: 'do it' });
      assert.equal(failure.message, `Could not do it: ${text}`);
      assert.equal(failure.kind, kind);
      assert.match(failure.advice ?? '', advice);
    });
  }

  it('is left as it is where nothing is known of it', () => {
    const failure = failureOfText('VM quit/powerdown failed - got timeout', { what: 'stop it' });
    assert.deepEqual([failure.kind, failure.advice], ['upstream', undefined]);
  });

  it('is told to a tenant only where he can do something or has to wait', () => {
    const tenant = (text: string) => failureOfText(text, { what: 'do it' }).tenant;
    assert.match(tenant('VM is locked (suspending)') ?? '', /busy .*try again later/);
    assert.match(tenant('VM is locked (suspended)') ?? '', /saved to disk; start it first/);
    assert.match(tenant('snapshot feature is not available') ?? '', /cannot make snapshots/);
    assert.match(tenant('x - protection mode enabled') ?? '', /ask your administrator/);
    assert.equal(tenant("storage 'x' does not exist"), undefined);
  });
});
