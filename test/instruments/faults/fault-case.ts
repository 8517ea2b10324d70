import type { RemoteMachine } from '../../conformance/backend.ts';
import { type Action, cleanUp, type End, type Follow } from './action.ts';
import { type Belief, judgeAudit } from './audit.ts';
import { type Call, createCloud, type Done } from './cloud.ts';
import type { Fault, Scene } from './fault.ts';
import { begin, makeServer, memoSeconds, plantOthers } from './initial-state.ts';
import { inject } from './inject.ts';
import { type SystemName, systems } from './systems.ts';
import {
  type Complaints,
  isOf,
  judgeBeside,
  judgeCall,
  judgeClaim,
  judgeCleanUp,
  judgeEnd,
  judgeOthers,
  judgeSame,
  judgeSecrets,
  judgeTold,
} from './verdict.ts';

/** One square of the table. */
export interface FaultCase {
  readonly provider: SystemName;
  readonly action: Action;
  readonly fault: Fault;
  /** At which request or change it is injected, counted from 1. */
  readonly position?: number;
  readonly counted?: 'requests' | 'changes';
}

export interface Result {
  readonly told: string;
  /** How the instance stands when CloudStack has made its calls. */
  readonly end: string;
  readonly complaints: Complaints;
  /** How often the action asked and changed something; what there is to inject at. */
  readonly requests: number;
  readonly changes: number;
  readonly tookMs: number;
}

/** The action had come to its end before the fault could be injected. */
export const notReached = 'not reached';

export function idOf({ provider, action, fault, position }: FaultCase): string {
  const at = position === undefined ? '' : `@${position}`;
  return `${provider}/${action.name}/${fault.name}${at}`;
}

/** Plays one case in a small world of its own. */
export async function play(faultCase: FaultCase, file: string): Promise<Result> {
  const place = makeServer();
  try {
    const { provider, action, fault } = faultCase;
    const remote = await systems[provider](place, { ...fault, ...action });
    const scene: Scene = { place, remote, cloud: createCloud(place, remote, file) };
    let left: Complaints = [];
    const result = await inside(faultCase, scene).finally(async () => {
      left = await remote.close();
    });
    // Where nothing was injected CloudStack's next calls were not made either.
    if (result.told === notReached) return result;
    return { ...result, complaints: [...result.complaints, ...left] };
  } finally {
    place.remove();
  }
}

async function inside(faultCase: FaultCase, scene: Scene): Promise<Result> {
  const { action, fault } = faultCase;
  const { remote, cloud } = scene;
  const { backend } = remote;
  await plantOthers(scene);
  await begin(action, scene);
  const machines = await backend.machines();
  const others = machines.filter((machine) => !isOf(cloud.vm, machine));
  const before = machines.filter((machine) => isOf(cloud.vm, machine));
  const injected = await inject(faultCase, scene);
  const own = async (): Promise<readonly RemoteMachine[]> =>
    (await backend.machines()).filter((machine) => isOf(cloud.vm, machine));
  const [first] = injected.done;
  if (first === undefined) throw new Error('nothing was called');
  if (!injected.hit && (faultCase.position ?? 1) > 1) {
    return { ...injected, told: notReached, end: '', complaints: [], tookMs: first.tookMs };
  }
  const complaints: string[] = [
    ...injected.done.flatMap((done) => judgeCall(done, fault.signal === 'SIGKILL')),
    ...(injected.judged ?? []),
    ...(injected.done.length > 1 || injected.judged !== undefined
      ? []
      : judgeClaim(first, scene, await own())),
    ...judgeBeside(action, injected.done.slice(1), scene),
    ...judgeTold(fault, injected),
  ];
  // A success about another owner's machine changed nothing: the call is made again when the machine is back.
  const isDone = injected.judged === undefined;
  const follow =
    isDone && injected.done.every(({ exitCode }) => exitCode === 0)
      ? (action.succeeded ?? [])
      : action.failed;
  const forgotten = Date.now() + (injected.memoSeconds ?? memoSeconds) * 1000 + 100;
  for (const next of follow)
    complaints.push(...(await callNext(next, faultCase, scene, forgotten)));
  await injected.settle?.();
  const { own: end, complaints: left } = await atRest(async () => {
    const all = await backend.machines();
    const mine = all.filter((machine) => isOf(cloud.vm, machine));
    const wrong = [...judgeOthers(others, all, cloud.vm), ...judgeEnd(action.end, mine)];
    return { own: mine, complaints: wrong };
  });
  const { complaints: audited } = await atRest(async () => ({
    complaints: await judgeAudit(scene, beliefOf(action.end), end),
  }));
  const stopped = follow.includes(cleanUp) && injected.settle !== undefined;
  complaints.push(...left, ...judgeSame(action, before, end), ...audited, ...judgeSecrets(scene));
  if (stopped) complaints.push(...judgeCleanUp(end));
  return {
    told: [...new Set([...injected.done.map(({ told }) => told), ...cloud.notes])].join(' + '),
    end: end.map(({ power }) => power).join(' and ') || 'gone',
    complaints,
    requests: injected.requests,
    changes: injected.changes,
    tookMs: first.tookMs,
  };
}

function beliefOf(end: End): Belief {
  if (end === 'running') return 'Running';
  if (end === 'stopped') return 'Stopped';
  return end === 'audited' ? 'Error' : undefined;
}

/** The complaints that are left when the system has had a moment to come to rest. */
async function atRest<T extends { readonly complaints: Complaints }>(
  look: () => Promise<T>,
): Promise<T> {
  const givenUp = Date.now() + 2_000;
  for (;;) {
    const seen = await look();
    if (seen.complaints.length === 0 || Date.now() > givenUp) return seen;
    await pause(50);
  }
}

/** A failure may be repeated from memory until it has to be forgotten, and no longer. */
async function callNext(
  next: Follow,
  faultCase: FaultCase,
  scene: Scene,
  forgotten: number,
): Promise<Complaints> {
  const { cloud, remote } = scene;
  if (next === 'sync') return synchronise(faultCase, scene, forgotten);
  const same = faultCase.action.call(cloud.vm, faultCase.provider, cloud.brought);
  const call: Call =
    next === 'again' ? same : next === 'elsewhere' ? { ...same, ...elsewhere(scene) } : next;
  for (;;) {
    const startedAt = Date.now();
    const done: Done = await cloud.call(call);
    const own = (await remote.backend.machines()).filter((each) => isOf(cloud.vm, each));
    const wrong = [...judgeCall(done, false), ...judgeClaim(done, scene, own)];
    const early = call.word.startsWith('status') && startedAt < forgotten;
    if (wrong.length > 0 || done.exitCode === 0) return wrong;
    if (!early) return [`then ${call.word} failed: ${done.output.trim()}`];
    await pause(100);
  }
}

async function synchronise(
  faultCase: FaultCase,
  scene: Scene,
  forgotten: number,
): Promise<Complaints> {
  const wrong = await callNext({ word: 'status' }, faultCase, scene, forgotten);
  const [own] = (await scene.remote.backend.machines()).filter((each) =>
    isOf(scene.cloud.vm, each),
  );
  if (wrong.length > 0 || own?.power !== 'off') return wrong;
  scene.cloud.note('left off');
  return [
    ...(await callNext({ word: 'stop', state: 'Running' }, faultCase, scene, forgotten)),
    ...(await callNext({ word: 'start' }, faultCase, scene, forgotten)),
  ];
}

function elsewhere({ remote }: Scene): Partial<Call> {
  const { elsewhere: other } = remote.backend;
  return other === undefined ? {} : { host: other.details };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
