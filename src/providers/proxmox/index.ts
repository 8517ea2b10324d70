import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions.ts';
import { blueprint, blueprintIssues, stored } from './blueprint.ts';
import { readEndpoints } from './endpoint.ts';
import { createRig } from './rig.ts';
import { settings, settingsIssues } from './settings.ts';
import { power } from './status.ts';

// A status is asked thousands of times an hour: what it does not need is read when it is needed.
const snapshots = () => import('./snapshots.ts');
const operations = () => import('./operations.ts');
const disks = () => import('./disk-actions.ts');
const backups = () => import('./backups.ts');

/** Virtual machines on a Proxmox VE cluster. */
export const proxmox = defineProvider({
  name: 'proxmox',
  title: 'Proxmox VE',
  about: 'Virtual machines on a cluster of Proxmox VE 8 or 9',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues,
  stored,
  actions,
  prepares: true,
  endpoints: ({ url }) => readEndpoints(url) ?? [],
  checks: async (given, context, wanted) =>
    (await import('./checks.ts')).checks(given, context, wanted),
  open(given, context) {
    const rig = createRig(given, context);
    return {
      prepare: async (i) => (await import('./prepare.ts')).prepare(rig, i),
      create: async (i, wanted) => (await import('./create.ts')).create(rig, i, wanted),
      start: async (i) => (await import('./power.ts')).start(rig, i),
      stop: async (i, manner) => (await import('./stop.ts')).stop(rig, i, manner),
      reboot: async (i) => (await import('./reboot.ts')).reboot(rig, i),
      delete: async (i) => (await import('./delete.ts')).remove(rig, i),
      power: (i) => power(rig, i),
      powers: async () => (await import('./reports.ts')).powers(rig),
      machines: async () => (await import('./all-machines.ts')).machines(rig),
      adopt: async (remoteId, i) => (await import('./adopt.ts')).adoptMachine(rig, remoteId, i),
      console: async (i) => (await import('./console.ts')).openConsole(rig, i),
      run: {
        ListSnapshots: async ({ instance }) => (await snapshots()).listSnapshots(rig, instance),
        CreateSnapshot: async ({ instance, parameters }) =>
          (await snapshots()).createSnapshot(rig, instance, parameters),
        RestoreSnapshot: async ({ instance, parameters }) =>
          (await import('./restore.ts')).restoreSnapshot(rig, instance, parameters.snap_name),
        DeleteSnapshot: async ({ instance, parameters }) =>
          (await snapshots()).deleteSnapshot(rig, instance, parameters.snap_name),
        GetIpAddresses: async ({ instance }) => (await operations()).getIpAddresses(rig, instance),
        Reset: async ({ instance }) => (await operations()).reset(rig, instance),
        Suspend: async ({ instance }) => (await operations()).suspend(rig, instance),
        Resume: async ({ instance }) => (await operations()).resume(rig, instance),
        ResizeDisk: async ({ instance, parameters }) =>
          (await disks()).resizeDisk(rig, instance, parameters),
        AttachIso: async ({ instance, parameters }) =>
          (await disks()).attachIso(rig, instance, parameters.iso_path),
        DetachIso: async ({ instance }) => (await disks()).detachIso(rig, instance),
        Migrate: async ({ instance, parameters }) =>
          (await import('./migrate.ts')).migrate(rig, instance, parameters.node),
        Backup: async ({ instance, parameters }) =>
          (await backups()).backUp(rig, instance, parameters.storage),
        ListBackups: async ({ instance }) => (await backups()).listBackups(rig, instance),
        RestoreBackup: async ({ instance, parameters }) =>
          (await import('./restore-backup.ts')).restoreBackup(rig, instance, parameters.backup),
        Reinstall: async ({ instance, blueprint: wanted }) =>
          (await import('./reinstall.ts')).reinstall(rig, instance, wanted),
        GetDetails: async ({ instance }) => (await operations()).getDetails(rig, instance),
      },
    };
  },
});
