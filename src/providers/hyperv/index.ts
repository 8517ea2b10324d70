import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import {
  attachIso,
  detachIso,
  getIpAddresses,
  reset,
  resizeDisk,
  resume,
  suspend,
} from './actions/handlers.ts';
import { reinstall } from './actions/reinstall.ts';
import {
  createSnapshot,
  deleteSnapshot,
  listSnapshots,
  restoreSnapshot,
} from './actions/snapshots.ts';
import { blueprint, blueprintIssues } from './blueprint.ts';
import { checks } from './doctor/checks.ts';
import { openConsole } from './machine/console.ts';
import { adoptMachine, machines } from './machine/inventory.ts';
import { create, prepare } from './machine/make.ts';
import { power, powers, reboot, start, stop } from './machine/power.ts';
import { remove } from './machine/remove.ts';
import { perform, type Rig } from './machine/session.ts';
import { settings, settingsIssues, stored } from './settings.ts';

/** Virtual machines on a Windows server with Hyper-V, over WinRM. */
export const hyperv = defineProvider({
  name: 'hyperv',
  title: 'Hyper-V',
  about: 'Virtual machines on a Windows server with the Hyper-V role, managed over WinRM',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues,
  stored,
  actions,
  prepares: false,
  checks,
  open(given, context) {
    const on = <T>(work: (rig: Rig) => Promise<T>): Promise<T> => perform(given, context, work);
    return {
      prepare: (i, wanted) => on((rig) => prepare(rig, i, wanted)),
      create: (i, wanted) => on((rig) => create(rig, i, wanted)),
      start: (i) => on((rig) => start(rig, i)),
      stop: (i, manner) => on((rig) => stop(rig, i, manner)),
      reboot: (i) => on((rig) => reboot(rig, i)),
      delete: (i) => on((rig) => remove(rig, i)),
      power: (i) => on((rig) => power(rig, i)),
      powers: () => on(powers),
      machines: () => on(machines),
      adopt: (remoteId, i) => on((rig) => adoptMachine(rig, remoteId, i)),
      console: async (i) => openConsole(given.console_url, i),
      run: {
        ListSnapshots: ({ instance }) => on((rig) => listSnapshots(rig, instance)),
        CreateSnapshot: ({ instance, parameters }) =>
          on((rig) => createSnapshot(rig, instance, parameters)),
        RestoreSnapshot: ({ instance, parameters }) =>
          on((rig) => restoreSnapshot(rig, instance, parameters.snapshot_name)),
        DeleteSnapshot: ({ instance, parameters }) =>
          on((rig) => deleteSnapshot(rig, instance, parameters.snapshot_name)),
        GetIpAddresses: ({ instance }) => on((rig) => getIpAddresses(rig, instance)),
        Reset: ({ instance }) => on((rig) => reset(rig, instance)),
        Suspend: ({ instance }) => on((rig) => suspend(rig, instance)),
        Resume: ({ instance }) => on((rig) => resume(rig, instance)),
        ResizeDisk: ({ instance, parameters }) =>
          on((rig) => resizeDisk(rig, instance, parameters.size_gb)),
        AttachIso: ({ instance, parameters }) =>
          on((rig) => attachIso(rig, instance, parameters.iso_path)),
        DetachIso: ({ instance }) => on((rig) => detachIso(rig, instance)),
        Reinstall: (call) => on((rig) => reinstall(rig, call.instance, call.blueprint)),
      },
    };
  },
});
