import type { Context } from '../../contract/context.ts';
import type { Session } from '../../contract/provider.ts';
import type { actions } from './actions.ts';
import { openConsole } from './console.ts';
import { create, prepare } from './create.ts';
import { remove } from './delete.ts';
import { adoptMachine, machines } from './inventory.ts';
import { getDetails, getIpAddresses, reinstall, reset, resume, suspend } from './operations.ts';
import { power, powers, reboot, start, stop } from './power.ts';
import { perform, type Rig } from './script.ts';
import type { blueprint, Settings } from './settings.ts';
import { createSnapshot, deleteSnapshot, listSnapshots, restoreSnapshot } from './snapshots.ts';

/** What this product does for each action. */
export function openSession(
  given: Settings,
  context: Context,
): Session<typeof blueprint, typeof actions> {
  const as = <T>(action: string, work: (rig: Rig) => Promise<T>): Promise<T> =>
    perform(action, given, context, work);
  return {
    prepare: (i) => as('prepare', (rig) => prepare(rig, i)),
    create: (i, wanted) => as('create', (rig) => create(rig, i, wanted)),
    start: (i) => as('start', (rig) => start(rig, i)),
    stop: (i, manner) => as('stop', (rig) => stop(rig, i, manner)),
    reboot: (i) => as('reboot', (rig) => reboot(rig, i)),
    delete: (i) => as('delete', (rig) => remove(rig, i)),
    power: (i) => as('status', (rig) => power(rig, i)),
    powers: () => as('statuses', powers),
    console: (i) => as('getconsole', (rig) => openConsole(rig, i)),
    machines: () => as('audit', machines),
    adopt: (remoteId, i) => as('adopt', (rig) => adoptMachine(rig, remoteId, i)),
    run: {
      ListSnapshots: (call) => as('ListSnapshots', (rig) => listSnapshots(rig, call.instance)),
      CreateSnapshot: (call) =>
        as('CreateSnapshot', (rig) => createSnapshot(rig, call.instance, call.parameters)),
      RestoreSnapshot: (call) =>
        as('RestoreSnapshot', (rig) =>
          restoreSnapshot(rig, call.instance, call.parameters.snap_name),
        ),
      DeleteSnapshot: (call) =>
        as('DeleteSnapshot', (rig) =>
          deleteSnapshot(rig, call.instance, call.parameters.snap_name),
        ),
      GetIpAddresses: (call) => as('GetIpAddresses', (rig) => getIpAddresses(rig, call.instance)),
      Reset: (call) => as('Reset', (rig) => reset(rig, call.instance)),
      Suspend: (call) => as('Suspend', (rig) => suspend(rig, call.instance)),
      Resume: (call) => as('Resume', (rig) => resume(rig, call.instance)),
      Reinstall: (call) => as('Reinstall', (rig) => reinstall(rig, call.instance, call.blueprint)),
      GetDetails: (call) => as('GetDetails', (rig) => getDetails(rig, call.instance)),
    },
  };
}
