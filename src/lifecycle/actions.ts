import type {
  Action,
  ActionCall,
  DiskAction,
  Handler,
  Outcome,
  Parameters,
  Run,
  SnapshotAction,
} from '../contract/action.ts';
import type { Blueprint } from '../contract/driver.ts';
import type { Fields } from '../contract/field.ts';
import type { Machine } from '../contract/machine.ts';
import { Failure } from '../failure.ts';
import { withUndo } from '../kit/undo.ts';
import { exclusively, show, take } from './certain.ts';
import type { Life } from './find.ts';
import { guarded } from './refusals.ts';
import { ensureRunning } from './start.ts';

/** The argument of a custom action of any provider. */
export type AnyRun = Run<Parameters, Blueprint, Fields>;

type AnyHandler = Handler<ActionCall<Machine | undefined, Parameters, Blueprint, Fields>>;

const aboutSnapshots: ReadonlySet<string> = new Set<SnapshotAction>([
  'ListSnapshots',
  'CreateSnapshot',
  'RestoreSnapshot',
  'DeleteSnapshot',
]);

const aboutDisks: ReadonlySet<string> = new Set<DiskAction>([
  'ListDisks',
  'AddDisk',
  'DetachDisk',
  'AttachDisk',
  'DeleteDisk',
  'ResizeDisk',
  'MoveDisk',
]);

/**
 * Runs a custom action of the provider on the machine that its definition wants. One that throws data
 * away respects the remote system's own protection, as a delete does.
 */
export async function runAction(
  life: Life,
  action: Action | undefined,
  name: string,
  call: AnyRun,
): Promise<Outcome> {
  const { driver, context } = life;
  const { instance } = call;
  const { wants = 'built' } = action ?? {};
  if (aboutSnapshots.has(name) && driver.snapshots !== undefined) {
    const { runSnapshotAction } = await import('./snapshots.ts');
    return runSnapshotAction({ ...life, snapshots: await driver.snapshots() }, name, call);
  }
  if (aboutDisks.has(name) && driver.disks !== undefined) {
    const { runDiskAction } = await import('./disks.ts');
    return runDiskAction({ ...life, disks: await driver.disks() }, name, call);
  }
  const handler: AnyHandler | undefined = (await driver.run?.())?.[name];
  if (handler === undefined) throw forgotten(name);
  const handle = (machine: Machine | undefined): Promise<Outcome> =>
    withUndo(context, (undo) => handler({ ...call, machine, undo, deadline: context.deadline }));
  if (wants === 'none') return handle(undefined);
  if (wants === 'shown') return handle(await show(life, instance));
  return exclusively(life, instance, async () => {
    const machine = await take(life, instance);
    if (wants === 'running') await ensureRunning(life, machine, instance);
    // Learned half-way, it would have cost the machine its power, or a part of its disks.
    const guard = action?.destroysData === true ? driver.guard?.(machine) : undefined;
    if (guard !== undefined) throw guarded(machine, instance, guard);
    return handle(machine);
  });
}

function forgotten(name: string): Failure {
  return Failure.from(new Error(`the provider has no handler for ${name}`));
}
