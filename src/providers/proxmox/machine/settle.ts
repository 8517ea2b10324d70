import { poll } from '../../../kit/poll.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { cancel, running, tail } from '../api/task-state.ts';
import type { Config, Row } from '../api/wire.ts';
import { configIfThere } from './read.ts';
import type { Session } from './session.ts';

/**
 * The configuration of a machine once nothing of ours is still making it; `undefined` when it is
 * gone by then.
 *
 * While a machine is being copied it has no mark yet, so that a copy which a killed process began
 * shows only by its task.
 */
export async function settle(
  session: Session,
  row: Pick<Row, 'vmid' | 'node'>,
): Promise<Config | undefined> {
  const first = await configIfThere(session, row);
  if (first === undefined || !isBeingMade(first)) return first;
  const look = async (): Promise<{ readonly config: Config | undefined } | undefined> => {
    const config = await configIfThere(session, row);
    if (config === undefined || !isBeingMade(config)) return { config };
    if ((await makersOf(session, row)).length > 0) return undefined;
    // The task may have ended between the two looks.
    return { config: await configIfThere(session, row) };
  };
  session.context.log('machine.settling', { machine: row.vmid });
  const { config } = await poll(
    session.api.deadline,
    `machine ${row.vmid} was still being copied`,
    look,
    { firstMs: 50, growth: 1.3, mostMs: 2000 },
  );
  return config;
}

/** Half-made: whose it will be is not written down yet. */
export function isBeingMade(config: Config): boolean {
  const { lock, description } = config;
  return (lock === 'clone' || lock === 'create') && readMark(description ?? '') === undefined;
}

/** Our own running tasks that make the machine, or may be making it: a clone carries its source's id. */
export async function makersOf(
  session: Session,
  { node, vmid }: Pick<Row, 'vmid' | 'node'>,
): Promise<readonly Maker[]> {
  const clones = await running(session, node, 'qmclone');
  const logs = await Promise.all(clones.map((upid) => tail(session.api, upid)));
  const creates = await running(session, node, 'qmcreate');
  return [
    ...clones.flatMap((upid, at): Maker[] => {
      const named = machinesIn(logs[at] ?? [], Number(upid.split(':')[6]));
      const certain = named.includes(vmid);
      // One that has named no disk yet may be the one.
      return certain || named.length === 0 ? [{ upid, certain }] : [];
    }),
    ...creates
      .filter((upid) => upid.includes(`:qmcreate:${vmid}:`))
      .map((upid) => ({ upid, certain: true })),
  ];
}

/** The machines whose disks a log names, but for the one that is copied. */
function machinesIn(log: readonly string[], source: number): readonly number[] {
  const ids = log.flatMap((line) => [...line.matchAll(/\bvm-(\d+)-/g)].map(([, id]) => Number(id)));
  return ids.filter((id) => id !== source);
}

export interface Maker {
  readonly upid: string;
  readonly certain: boolean;
}

/** Cancels the tasks that are making the machine, once it is certain which they are. */
export async function cancelMakers(
  session: Session,
  place: Pick<Row, 'vmid' | 'node'>,
): Promise<void> {
  const look = async (): Promise<readonly Maker[] | undefined> => {
    const makers = await makersOf(session, place);
    const certain = makers.filter((maker) => maker.certain);
    return certain.length > 0 || makers.length === 0 ? certain : undefined;
  };
  const doing = `waiting to know which task makes machine ${place.vmid}`;
  for (const { upid } of await poll(session.api.deadline, doing, look)) await cancel(session, upid);
}
