import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { callAsCloudStack } from '../as-cloudstack/call.ts';
import { conclude } from '../as-cloudstack/conclude.ts';
import { writePayload } from '../as-cloudstack/payload-file.ts';
import type { PipePlaces } from '../as-cloudstack/pipes.ts';
import type { Members } from '../json.ts';
import { watchArguments } from './arguments-watch.ts';
import { processesWith, traceVariable } from './survivors.ts';
import { type Call, type Secret, withoutSecrets } from './transcript.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface RunnerOptions {
  readonly executable: string;
  /** Where payloads are written. */
  readonly directory: string;
  readonly places: PipePlaces;
  readonly env: Environment;
  /** Tells this conform's processes from all others. */
  readonly trace: string;
  /** Argument 3 of the calls that do work; no call gets more. */
  readonly timeoutSeconds: number;
  /** Texts that may stand in no process's arguments. */
  readonly secrets: readonly Secret[];
  /** Told before each call. */
  onCall(step: string): void;
  /** Throws once the operator has asked to end. */
  goOn(): void;
}

/** How a call differs from the ordinary one. */
export interface CallOptions {
  /** The text of the payload file instead of a payload; undefined for a file that is missing. */
  readonly text?: string | undefined;
  readonly timeoutSeconds?: number;
  readonly env?: Environment;
  readonly through?: readonly string[];
  readonly errorsApart?: boolean;
  /** Made also when the operator has asked to end. */
  readonly cleansUp?: boolean;
  /** Made while other calls are going on, so that what else runs proves nothing. */
  readonly amongOthers?: boolean;
}

/** Makes calls and keeps their results. */
export interface Runner {
  call(step: string, action: string, payload: Members, callOptions?: CallOptions): Promise<Call>;
  readonly calls: readonly Call[];
  /** Notes why a call is not made. */
  leaveOut(step: string, reason: string): void;
  readonly untried: ReadonlyMap<string, string>;
}

/** The seconds of a call that ought to be refused or answered at once. */
export const quickSeconds = 10;

export function createRunner(options: RunnerOptions): Runner {
  const calls: Call[] = [];
  const untried = new Map<string, string>();
  const env = { ...options.env, [traceVariable]: options.trace };
  return {
    calls,
    untried,
    leaveOut(step, reason) {
      untried.set(step, reason);
    },
    async call(step, action, payload, callOptions = {}) {
      if (callOptions.cleansUp !== true) options.goOn();
      options.onCall(step);
      const number = String(calls.length + 1).padStart(2, '0');
      const name = `${number}-${step.replace(/ /g, '-')}`;
      const hasText = 'text' in callOptions;
      const file = hasText
        ? textFile(options.directory, name, callOptions.text)
        : writePayload(options.directory, payload, name);
      const watch = watchArguments(options.secrets);
      const raw = await callAsCloudStack({
        executable: options.executable,
        action,
        payload: file,
        timeoutSeconds: Math.min(callOptions.timeoutSeconds ?? Infinity, options.timeoutSeconds),
        env: { ...env, ...callOptions.env },
        errorsApart: callOptions.errorsApart ?? false,
        places: options.places,
        onStart: watch.follow,
        ...(callOptions.through === undefined ? {} : { through: callOptions.through }),
      });
      const exposed = watch.end();
      const given = hasText ? undefined : payload;
      const conclusion = conclude(action, raw, given);
      const survivors = callOptions.amongOthers ? [] : await survivorsOf(options, calls);
      const call = {
        ...{ step, action, payload: given, raw, conclusion, survivors },
        ...(exposed === undefined ? {} : { exposed }),
      };
      calls.push(call);
      return call;
    },
  };
}

function textFile(directory: string, name: string, text: string | undefined): string {
  const path = join(directory, `${name}.json`);
  if (text !== undefined) writeFileSync(path, text);
  return path;
}

/** A child gets a moment to follow its parent; what earlier calls left is theirs. */
async function survivorsOf(
  { trace, secrets }: RunnerOptions,
  calls: readonly Call[],
): Promise<Call['survivors']> {
  const known = new Set(calls.flatMap(({ survivors }) => survivors.map(({ pid }) => pid)));
  const found = (): Call['survivors'] => processesWith(trace).filter(({ pid }) => !known.has(pid));
  for (let patience = 0; patience < 5 && found().length > 0; patience++) await pause(100);
  return found().map(({ pid, command }) => ({ pid, command: withoutSecrets(command, secrets) }));
}
