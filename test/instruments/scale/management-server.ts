import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alice, type Custom, payloadFor, system } from '../../support/payloads.ts';
import { serviceEnv } from '../../support/spawned.ts';
import { makePlace, type Place } from '../../support/world.ts';
import type { Counters } from './counters.ts';
import type { Item } from './items.ts';
import { type Ended, runProcess } from './process.ts';
import type { Random } from './random.ts';
import type { Host } from './system.ts';
import { type Document, documentOf, faultOf, type Outcome, outcomeOf } from './verdict.ts';

export interface CallOptions {
  readonly state?: string;
  readonly deploying?: boolean;
  readonly custom?: Custom;
}

export interface Done {
  readonly outcome: Outcome;
  readonly document: Document;
  readonly text: string;
}

/** A management server: makes calls as processes of the built file, and judges how each one ends. */
export interface ManagementServer {
  readonly place: Place;
  /** How often a create comes twice at once. */
  readonly concurrentCreates: number;
  call(item: Item, action: string, options?: CallOptions): Promise<Done>;
  /** About no instance: `statuses`. */
  ask(host: Host, action: string): Promise<Done>;
  /** From now on calls are killed with this probability, at random moments, and have so long. */
  allow(limits: { readonly deaths: number; readonly seconds: number }): void;
}

interface ManagementServerOptions {
  readonly file: string;
  readonly concurrentCreates: number;
  readonly random: Random;
  readonly counters: Counters;
}

export function createManagementServer({
  file,
  concurrentCreates,
  random,
  counters,
}: ManagementServerOptions): ManagementServer {
  const place = makePlace({});
  const home = join(place.folder, 'home');
  const env = { ...serviceEnv(), HOME: home, OUTRIGGER_CONFIG: configure(place) };
  let limits = { deaths: 0, seconds: 1800 };

  const run = async (host: Host, action: string, payload: unknown): Promise<Done> => {
    const folder = join(home, 'extensions', host.provider);
    const payloadFile = join(folder, `${randomUUID()}.json`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(payloadFile, JSON.stringify(payload));
    const { deaths, seconds: timeoutSeconds } = limits;
    const death = random.chance(deaths) ? { death: deathOf(random) } : {};
    const ended = await runProcess({ file, action, payloadFile, timeoutSeconds, env, ...death });
    const outcome = outcomeOf(ended);
    counters.count(host, ended, outcome);
    const fault = faultOf(ended, host.system.backend.secrets) ?? payloadFault(ended, payloadFile);
    if (fault !== undefined) counters.violation(`${host.name}: ${action} ${fault}`);
    rmSync(payloadFile, { force: true });
    return { outcome, document: documentOf(ended), text: ended.text };
  };

  return {
    ...{ place, concurrentCreates },
    allow(next) {
      limits = next;
    },
    ask: (host, action) =>
      run(host, action, payloadFor(action, { vm: nobody, host: host.details(), caller: system })),
    async call({ vm, host, story }, action, options = {}) {
      const word = options.custom === undefined ? action : 'custom';
      const caller = action === 'status' ? system : alice;
      const payload = payloadFor(word, { vm, host: host.details(), caller, ...options });
      const begunMs = performance.now();
      const done = await run(host, action, payload);
      const [from, to] = [begunMs, performance.now()].map((ms) => (ms / 1000).toFixed(2));
      story.push(`${from} to ${to} ${action} ${done.outcome} ${done.text.trim()}`);
      return done;
    },
  };
}

/** A payload of CloudStack's own is taken away with a success, and kept otherwise. */
function payloadFault({ exitCode }: Ended, file: string): string | undefined {
  if (exitCode === 0 && existsSync(file)) return 'left its payload behind';
  if (exitCode === 1 && !existsSync(file)) return 'took its payload away although it failed';
  return undefined;
}

/** Mostly while a call is short, sometimes when it has come far. */
function deathOf(random: Random) {
  const signal = random.pick(['SIGKILL', 'SIGTERM'] as const);
  return { signal, afterMs: 30 * 60 ** random.next() };
}

/** How long a status may repeat what another call has met. */
export const memoSeconds = 2;

/** The log is there as on a server where `cloud` has written before; root makes none. */
function configure({ folder, logFile }: Place): string {
  const memo = join(folder, 'memo');
  mkdirSync(memo, { mode: 0o700 });
  writeFileSync(logFile, '');
  const file = join(folder, 'chaos.json');
  const config = { log: { file: logFile }, memo: { seconds: memoSeconds, directory: memo } };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const nobody = { id: 0, uuid: '', name: '', cpus: 1, memoryMb: 1, nics: [], details: {} };
