import { defineProvider } from '../../provider.ts';
import { actions } from './actions.ts';
import { adoptMachine } from './adopt.ts';
import { machines } from './all-machines.ts';
import { backUp, listBackups, restoreBackup } from './backups.ts';
import { blueprint, blueprintIssues, stored } from './blueprint.ts';
import { checks } from './checks.ts';
import { openConsole } from './console.ts';
import { create, prepare } from './create.ts';
import { remove } from './delete.ts';
import { attachIso, detachIso, resizeDisk } from './disk-actions.ts';
import { readEndpoints } from './endpoint.ts';
import { migrate } from './migrate.ts';
import { getDetails, getIpAddresses, reset, resume, suspend } from './operations.ts';
import { start } from './power.ts';
import { reboot } from './reboot.ts';
import { reinstall } from './reinstall.ts';
import { restoreSnapshot } from './restore.ts';
import { createRig } from './rig.ts';
import { settings, settingsIssues } from './settings.ts';
import { createSnapshot, deleteSnapshot, listSnapshots } from './snapshots.ts';
import { power, powers } from './status.ts';
import { stop } from './stop.ts';

/** Virtual machines on a Proxmox VE cluster. */
export const proxmox = defineProvider({
  name: 'proxmox',
  title: 'Proxmox VE',
  about: 'Virtual machines on a cluster of Proxmox VE 8 or 9',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues: (wanted) => blueprintIssues(wanted),
  stored,
  actions,
  prepares: true,
  endpoints: ({ url }) => readEndpoints(url) ?? [],
  checks,
  open(given, context) {
    const rig = createRig(given, context);
    return {
      prepare: (i) => prepare(rig, i),
      create: (i, wanted) => create(rig, i, wanted),
      start: (i) => start(rig, i),
      stop: (i, manner) => stop(rig, i, manner),
      reboot: (i) => reboot(rig, i),
      delete: (i) => remove(rig, i),
      power: (i) => power(rig, i),
      powers: () => powers(rig),
      machines: () => machines(rig),
      adopt: (remoteId, i) => adoptMachine(rig, remoteId, i),
      console: (i) => openConsole(rig, i),
      run: {
        ListSnapshots: ({ instance }) => listSnapshots(rig, instance),
        CreateSnapshot: ({ instance, parameters }) => createSnapshot(rig, instance, parameters),
        RestoreSnapshot: ({ instance, parameters }) =>
          restoreSnapshot(rig, instance, parameters.snap_name),
        DeleteSnapshot: ({ instance, parameters }) =>
          deleteSnapshot(rig, instance, parameters.snap_name),
        GetIpAddresses: ({ instance }) => getIpAddresses(rig, instance),
        Reset: ({ instance }) => reset(rig, instance),
        Suspend: ({ instance }) => suspend(rig, instance),
        Resume: ({ instance }) => resume(rig, instance),
        ResizeDisk: ({ instance, parameters }) => resizeDisk(rig, instance, parameters),
        AttachIso: ({ instance, parameters }) => attachIso(rig, instance, parameters.iso_path),
        DetachIso: ({ instance }) => detachIso(rig, instance),
        Migrate: ({ instance, parameters }) => migrate(rig, instance, parameters.node),
        Backup: ({ instance, parameters }) => backUp(rig, instance, parameters.storage),
        ListBackups: ({ instance }) => listBackups(rig, instance),
        RestoreBackup: ({ instance, parameters }) =>
          restoreBackup(rig, instance, parameters.backup),
        Reinstall: ({ instance, blueprint: wanted }) => reinstall(rig, instance, wanted),
        GetDetails: ({ instance }) => getDetails(rig, instance),
      },
    };
  },
});
