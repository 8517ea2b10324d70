import type { Deadline } from '../../../contract/context.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import { expectFailure } from '../../../failure.ts';
import type { Machine } from '../api/wire.ts';
import type { Session } from './session.ts';
import { listVolumes, type Volume } from './volumes.ts';

/** The data disks whose instance has no machine here, as an instance that was removed by hand leaves them. */
export async function leftovers(
  session: Session,
  machines: readonly Machine[],
  deadline: Deadline,
): Promise<readonly RemoteMachine[]> {
  const owners = new Set(
    machines.flatMap(({ mark, name }) =>
      typeof mark === 'object' ? mark.uuid : mark === 'unreadable' ? (name ?? []) : [],
    ),
  );
  try {
    const all = await listVolumes(session, 'all', deadline);
    // Of an instance whose member is offline only the name can be read.
    return all.filter(({ mark }) => !owners.has(mark.uuid) && !owners.has(mark.name)).map(leftover);
  } catch (thrown) {
    const { message: error } = expectFailure(thrown);
    session.context.log('volumes.unseen', { error, level: 'warn' });
    return [];
  }
}

/** A machine that was given back keeps its disks connected. */
function leftover({ pool, name, mark, users }: Volume): RemoteMachine {
  const whose = `it is a data disk of ${mark.name} (${mark.uuid}), which has no machine here`;
  const advice =
    users.length === 0
      ? `look at what is on it, and remove it with incus storage volume delete ${pool} ${name}`
      : `${users.join(', ')} has it connected`;
  const nature = { power: 'off', mark: undefined, leftover: true } as const;
  const remarks = [`${whose}: ${advice}`];
  return { remoteId: `${pool}/${name}`, name: mark.name, ...nature, remarks };
}
