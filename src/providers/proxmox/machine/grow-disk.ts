import type { Undo } from '../../../contract/context.ts';
import { path } from '../../../kit/http/address.ts';
import { cancel } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { type Disk, rootDisk } from './disks.ts';
import type { Machine } from './machine.ts';
import { type Session, under } from './session.ts';

export interface Growing {
  /** The root disk unless said otherwise. */
  readonly disk?: Disk;
  /** Where what becomes of the disk matters no more when the action fails. */
  readonly undo?: Undo;
}

/** Grows a disk; a larger one stays as it is. */
export async function growDisk(
  session: Session,
  { vmid, node, config }: Machine,
  sizeGb: number | undefined,
  { disk = rootDisk(config), undo }: Growing = {},
): Promise<void> {
  if (sizeGb === undefined || disk === undefined) return;
  if (sizeGb * 1024 ** 3 <= disk.sizeBytes) return;
  await run(session, {
    method: 'PUT',
    path: path`/nodes/${node}/qemu/${vmid}/resize`,
    params: { disk: disk.key, size: `${sizeGb}G` },
    what: `grow disk ${disk.key} of machine ${vmid}`,
    doing: `growing the disk of machine ${vmid}`,
    ...(undo === undefined ? {} : { takenBack: true }),
    begun: (task) =>
      undo?.add(`stop growing the disk of machine ${vmid}`, (deadline) =>
        cancel(under(session, deadline), task),
      ),
  });
}
