import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { readEndpoints } from './api/endpoint.ts';
import { blueprint, blueprintIssues, stored } from './blueprint.ts';
import { power } from './machine/power-now.ts';
import { openSession } from './machine/session.ts';
import { settings, settingsIssues } from './settings.ts';

// A status is asked thousands of times an hour: what it does not need is read when it is needed.
const snapshots = () => import('./actions/snapshots.ts');
const operations = () => import('./actions/handlers.ts');
const disks = () => import('./actions/disk-actions.ts');
const backups = () => import('./actions/backups.ts');

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
    (await import('./doctor/checks.ts')).checks(given, context, wanted),
  open(given, context) {
    const session = openSession(given, context);
    return {
      prepare: async (i) => (await import('./machine/prepare.ts')).prepare(session, i),
      create: async (i, wanted) => (await import('./machine/make.ts')).create(session, i, wanted),
      start: async (i) => (await import('./machine/power.ts')).start(session, i),
      stop: async (i, manner) => (await import('./machine/stop.ts')).stop(session, i, manner),
      reboot: async (i) => (await import('./machine/restart.ts')).reboot(session, i),
      delete: async (i) => (await import('./machine/delete.ts')).remove(session, i),
      power: (i) => power(session, i),
      powers: async () => (await import('./machine/power-report.ts')).powers(session),
      machines: async () => (await import('./machine/inventory.ts')).machines(session),
      adopt: async (remoteId, i) =>
        (await import('./machine/adopt.ts')).adoptMachine(session, remoteId, i),
      console: async (i) => (await import('./actions/console.ts')).openConsole(session, i),
      run: {
        ListSnapshots: async ({ instance }) => (await snapshots()).listSnapshots(session, instance),
        CreateSnapshot: async ({ instance, parameters }) =>
          (await snapshots()).createSnapshot(session, instance, parameters),
        RestoreSnapshot: async ({ instance, parameters }) =>
          (await import('./actions/keep-today.ts')).restoreSnapshot(
            session,
            instance,
            parameters.snap_name,
          ),
        DeleteSnapshot: async ({ instance, parameters }) =>
          (await snapshots()).deleteSnapshot(session, instance, parameters.snap_name),
        GetIpAddresses: async ({ instance }) =>
          (await operations()).getIpAddresses(session, instance),
        Reset: async ({ instance }) => (await operations()).reset(session, instance),
        Suspend: async ({ instance }) => (await operations()).suspend(session, instance),
        Resume: async ({ instance }) => (await operations()).resume(session, instance),
        ResizeDisk: async ({ instance, parameters }) =>
          (await disks()).resizeDisk(session, instance, parameters),
        AttachIso: async ({ instance, parameters }) =>
          (await disks()).attachIso(session, instance, parameters.iso_path),
        DetachIso: async ({ instance }) => (await disks()).detachIso(session, instance),
        Migrate: async ({ instance, parameters }) =>
          (await import('./actions/migrate.ts')).migrate(session, instance, parameters.node),
        Backup: async ({ instance, parameters }) =>
          (await backups()).backUp(session, instance, parameters.storage),
        ListBackups: async ({ instance }) => (await backups()).listBackups(session, instance),
        RestoreBackup: async ({ instance, parameters }) =>
          (await import('./actions/restore-backup.ts')).restoreBackup(
            session,
            instance,
            parameters.backup,
          ),
        Reinstall: async ({ instance, blueprint: wanted }) =>
          (await import('./actions/reinstall.ts')).reinstall(session, instance, wanted),
        GetDetails: async ({ instance }) => (await operations()).getDetails(session, instance),
      },
    };
  },
});
