import type { Cluster } from '../index.ts';
import { compare } from './compare.ts';
import type { Difference, Recorded } from './recorded.ts';
import { formOf, perform, type Reply } from './wire.ts';

/** The cluster in which a section is replayed, and the events beside its calls. */
export interface Stage {
  readonly cluster: Cluster;
  /** Runs before the call that the key names: its title, or `METHOD path` without `/api2/json`. */
  readonly before?: Readonly<Record<string, (stage: Playing) => void | Promise<void>>>;
}

export interface Playing {
  readonly cluster: Cluster;
  readonly call: Recorded;
  /** From here on a recorded UPID means this one. */
  means(recorded: string, faked: string): void;
  send(method: string, path: string, form?: Readonly<Record<string, string>>): Promise<Reply>;
}

/** Replays one section against its stage; answers every difference there is. */
export async function replay(
  version: string,
  section: string,
  calls: readonly Recorded[],
  { cluster, before = {} }: Stage,
): Promise<Difference[]> {
  const upids = new Map<string, string>();
  const login: Record<string, string> = {};
  const done = new Set<string>();
  const differences: Difference[] = [];
  for (const call of calls) {
    const name = keyOf(call);
    const hook = done.has(name) ? undefined : before[name];
    done.add(name);
    const send: Playing['send'] = (method, path, form) =>
      perform(cluster, { method, path: `/api2/json${path}`, ...formOf(form) }, new Map(), {});
    await hook?.({ cluster, call, send, means: (one, other) => void upids.set(one, other) });
    await cluster.clock.advance(250);
    const reply = await perform(cluster, call, upids, login);
    const where = `${version} § ${section}: ${name}`;
    differences.push(...(await compare(cluster, call, { reply, upids, where })));
    remember(call, reply, { upids, login });
  }
  for (const key of Object.keys(before)) {
    if (!done.has(key)) throw new Error(`section ${section} has no call named "${key}"`);
  }
  return differences;
}

export function keyOf({ title, method, path }: Recorded): string {
  return title ?? `${method} ${path.replace('/api2/json', '')}`;
}

interface Memory {
  readonly upids: Map<string, string>;
  readonly login: Record<string, string>;
}

function remember(call: Recorded, reply: Reply, { upids, login }: Memory): void {
  const { data } = reply.status === 200 ? reply.json() : {};
  const upid = typeof data === 'string' ? data : (data as { upid?: string } | null)?.upid;
  if (call.upid !== undefined && typeof upid === 'string') upids.set(call.upid, upid);
  const { ticket, CSRFPreventionToken: csrf } = (data ?? {}) as Record<string, string | undefined>;
  if (ticket !== undefined && csrf !== undefined) Object.assign(login, { ticket, csrf });
}
