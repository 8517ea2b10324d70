import { statusOf } from '../../../failure.ts';
import { running, tail } from '../api/task-state.ts';
import type { Place } from './read.ts';
import type { Session } from './session.ts';

/* The tasks that make machines. A copy's task carries the id of the machine that is copied. */

export interface Maker {
  readonly upid: string;
  readonly certain: boolean;
}

/** Our own running tasks that make the machine, or may be making it. */
export async function makersOf(session: Session, { node, vmid }: Place): Promise<readonly Maker[]> {
  const clones = await running(session, node, 'qmclone');
  const logs = await Promise.all(clones.map((upid) => tail(session.api, upid)));
  const creates = await running(session, node, 'qmcreate');
  return [
    ...clones.flatMap((upid, at): Maker[] => {
      const named = machinesIn(logs[at] ?? [], sourceOf(upid));
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
export function machinesIn(log: readonly string[], source: number): readonly number[] {
  const ids = log.flatMap((line) => [...line.matchAll(/\bvm-(\d+)-/g)].map(([, id]) => Number(id)));
  return ids.filter((id) => id !== source);
}

export function sourceOf(upid: string): number {
  return Number(upid.split(':')[6]);
}

/** Asks for one id; the cluster also knows of those whose machines the token does not see. */
export async function isFree({ api }: Session, vmid: number): Promise<boolean> {
  try {
    const what = `ask whether the id ${vmid} is free`;
    await api.get('/cluster/nextid', { what, query: { vmid } });
    return true;
  } catch (thrown) {
    if (statusOf(thrown) !== 400) throw thrown;
    return false;
  }
}
