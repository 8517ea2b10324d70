import type { Step, Undo } from '../contract/context.ts';
import type { Machine } from '../contract/machine.ts';
import type { WantedDisk } from './data-disks.ts';
import { changing, type DiskLife } from './disks.ts';

/**
 * Makes the data disks that an instance is created with, each under the number of its place in the
 * detail. A create that was killed may have left some of them, connected or not.
 */
export async function makeDataDisks(
  life: DiskLife,
  machine: Machine,
  wanted: readonly WantedDisk[],
  { undo, ...step }: Step & { readonly undo: Undo },
): Promise<void> {
  const call = { life, instance: step.instance, machine, step };
  for (const [index, disk] of wanted.entries()) {
    const number = index + 1;
    await changing(call, async (now) => {
      const there = now.disks.find((each) => each.number === number);
      if (there === undefined) {
        return life.disks.add(machine, { ...disk, number }, now, { ...step, undo });
      }
      return there.slot === undefined ? life.disks.attach(machine, there, now, step) : there;
    });
  }
}
