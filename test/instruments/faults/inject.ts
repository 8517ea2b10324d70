import { watch } from 'node:fs';
import { join } from 'node:path';
import { stateOf } from '../../providers/simulator/backend.ts';
import { cleanUp } from './action.ts';
import type { Begun, Call, Done } from './cloud.ts';
import type { Fault, Reach, Scene } from './fault.ts';
import type { FaultCase } from './fault-case.ts';
import type { Effect, Plan, Seen } from './proxy.ts';
import type { System } from './systems.ts';

/** The results of the calls while the fault was on. */
export interface Injection {
  /** The call of the case first, and those beside it. */
  readonly done: readonly Done[];
  readonly requests: number;
  readonly changes: number;
  readonly connections: number;
  /** Whether the fault has come to do anything. */
  readonly hit: boolean;
  readonly memoSeconds: number | undefined;
  /** The complaints of the fault about the remote system; undefined leaves them to the claims of the call. */
  readonly judged: readonly string[] | undefined;
  settle?(): Promise<void>;
}

/** Makes the call of the case, and those that the fault puts beside it, while the fault is on. */
export async function inject(faultCase: FaultCase, scene: Scene): Promise<Injection> {
  const { action, fault, provider } = faultCase;
  const { remote, cloud } = scene;
  const { proxy } = remote;
  const surroundings = (await fault.surround?.(scene)) ?? {};
  const state = { hit: isEverywhere(fault) };
  let begun: Begun | undefined;
  const kill = (signal: NodeJS.Signals): void => begun?.kill(signal);
  proxy?.follow(planFor(faultCase, { kill, remote } as Reach, state));
  const watched = proxy === undefined ? watchSteps(faultCase, scene, kill, state) : undefined;
  const call: Call = {
    ...action.call(cloud.vm, provider, cloud.brought),
    ...(fault.timeoutSeconds === undefined ? {} : { timeoutSeconds: fault.timeoutSeconds }),
    ...surroundings.call,
  };
  const done: Done[] = [];
  const times = fault.times ?? action.pairs ?? 1;
  try {
    for (let time = 0; time < times; time += 1) {
      begun = cloud.begin(call);
      const beside = (surroundings.beside ?? []).map((word) =>
        cloud.begin(word === 'same' ? call : { word }),
      );
      done.push(...(await Promise.all([begun, ...beside].map((each) => each.done))));
      if (action.pairs !== undefined) done.push(await cloud.call({ ...call, ...cleanUp }));
    }
    await breathe();
    const steps = watched?.() ?? 0;
    const count = { requests: proxy?.requests() ?? steps, changes: proxy?.changes() ?? steps };
    const connections = proxy?.connections() ?? 0;
    const judged = await surroundings.judge?.(done);
    const { memoSeconds, settle } = surroundings;
    const settled = settle === undefined ? {} : { settle };
    return { done, ...count, connections, hit: state.hit, memoSeconds, judged, ...settled };
  } finally {
    await mend(remote);
    await surroundings.undo?.();
  }
}

async function mend({ proxy, backend, letGo }: System): Promise<void> {
  if (proxy === undefined) return;
  proxy.follow({});
  letGo();
  await backend.withdrawRights(false);
  await backend.takeOver?.(false);
  if (!proxy.isUp()) await proxy.up();
}

/** Lets the events that are under way in this process arrive. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function isEverywhere({ effect, opening, signal }: Fault): boolean {
  return effect === undefined && opening === undefined && signal === undefined;
}

function planFor(faultCase: FaultCase, reach: Reach, state: { hit: boolean }): Plan {
  const { fault, position, counted } = faultCase;
  const { opening } = fault;
  const effect = effectOf(fault, reach);
  const applies = (seen: Seen): boolean => {
    if (position === undefined) return true;
    const count = counted === 'changes' ? seen.change : seen.number;
    return fault.lasts === true ? count >= position || state.hit : count === position;
  };
  return {
    ...(opening === undefined
      ? {}
      : {
          opening(connection) {
            const found = opening(connection);
            if (found !== undefined) state.hit = true;
            return found;
          },
        }),
    effect(seen) {
      if (effect === undefined || !applies(seen)) return undefined;
      state.hit = true;
      return effect;
    },
  };
}

function effectOf({ effect, signal }: Fault, reach: Reach): Effect | undefined {
  if (effect !== undefined) return (exchange) => effect(exchange, reach);
  if (signal === undefined) return undefined;
  return async ({ pass, write, hang }) => {
    // A process that is asked to end still gets the answer; a killed one never saw it.
    if (signal === 'SIGTERM') reach.kill(signal);
    const answer = await pass();
    if (signal === 'SIGTERM') return write(answer);
    reach.kill(signal);
    return hang();
  };
}

/** Without requests, what a process changes in its directory are its steps. */
function watchSteps(
  { fault: { signal }, position }: FaultCase,
  { place }: Scene,
  kill: (signal: NodeJS.Signals) => void,
  state: { hit: boolean },
): () => number {
  let steps = 0;
  const note = (): void => {
    steps += 1;
    if (signal === undefined || steps !== position) return;
    state.hit = true;
    kill(signal);
  };
  const folder = stateOf(place);
  const watchers = ['machines', 'locks'].map((name) => watch(join(folder, name), note));
  return () => {
    for (const watcher of watchers) watcher.close();
    return steps;
  };
}
