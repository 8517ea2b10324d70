import { type Action, resultUnknown, word } from './action.ts';
import type { Call } from './cloud.ts';
import type { SystemName } from './systems.ts';

const withMemory = ['proxmox', 'hyperv', 'simulator'] as const;
const withDrives = ['proxmox', 'hyperv'] as const;

const attach = (_: unknown, provider: SystemName): Call => ({
  word: 'AttachIso',
  parameters: {
    iso_path: provider === 'hyperv' ? 'D:\\ISO\\debian-12.iso' : 'shared:iso/debian.iso',
  },
});

const onRunning = {
  from: 'running',
  failed: ['again', 'sync'],
  end: 'running',
  faults: resultUnknown,
} as const;

/** Custom actions that leave the content of the disks alone. */
export const machineActions: readonly Action[] = [
  {
    ...onRunning,
    name: 'Reset',
    call: word('Reset'),
    failed: ['sync', 'again'],
    only: withMemory,
  },
  {
    ...onRunning,
    name: 'Suspend',
    call: word('Suspend'),
    failed: [{ word: 'Resume' }, 'sync'],
    succeeded: [{ word: 'Resume' }],
    only: withMemory,
  },
  {
    ...onRunning,
    name: 'Resume',
    before: () => [{ word: 'Suspend' }],
    call: word('Resume'),
    only: withMemory,
  },
  {
    ...onRunning,
    name: 'ResizeDisk',
    call: () => ({ word: 'ResizeDisk', parameters: { size_gb: 60 } }),
    only: withDrives,
  },
  { ...onRunning, name: 'AttachIso', call: attach, only: withDrives },
  {
    ...onRunning,
    name: 'DetachIso',
    before: (vm, provider) => [attach(vm, provider)],
    call: word('DetachIso'),
    only: withDrives,
  },
  {
    ...onRunning,
    name: 'Migrate',
    call: () => ({
      word: 'Migrate',
      parameters: { node: 'pve2' },
      settings: { other_nodes: 'pve2' },
    }),
    only: ['proxmox'],
  },
  {
    ...onRunning,
    name: 'Lock',
    call: word('Lock'),
    failed: [{ word: 'Unlock' }, 'sync'],
    succeeded: [{ word: 'Unlock' }],
    only: ['maas'],
  },
  {
    ...onRunning,
    name: 'Unlock',
    before: () => [{ word: 'Lock' }],
    call: word('Unlock'),
    only: ['maas'],
  },
  {
    ...onRunning,
    name: 'GetIpAddresses',
    call: word('GetIpAddresses'),
    // Without Proxmox VE, whose guests have no agent here.
    only: ['hyperv', 'maas', 'simulator'],
  },
  {
    ...onRunning,
    name: 'GetDetails',
    call: word('GetDetails'),
    only: ['proxmox', 'maas', 'simulator'],
  },
  { ...onRunning, name: 'ListMachines', call: word('ListMachines'), only: ['maas'] },
  { ...onRunning, name: 'ListBackups', call: word('ListBackups'), only: ['proxmox'] },
  { ...onRunning, name: 'ListSnapshots', call: word('ListSnapshots'), only: withMemory },
];
