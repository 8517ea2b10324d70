import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure, reworded } from '../../failure.ts';
import { entryPointProblem } from '../as-cloudstack/entry-point.ts';
import { createPlaces, type PipePlaces } from '../as-cloudstack/pipes.ts';
import { withTempDir } from '../temp-dir.ts';
import { answerRules } from './answer-rules.ts';
import { environmentRules } from './environment-rules.ts';
import { lifecycleRules } from './lifecycle-rules.ts';
import type { Details } from './payloads.ts';
import { refusalRules } from './refusal-rules.ts';
import type { Finding, Rule } from './rule.ts';
import { createRunner } from './runner.ts';
import { plantedSecret, sampleInstance } from './sample-instance.ts';
import { type Cast, playScript } from './script.ts';
import { endProcessesWith } from './survivors.ts';
import type { Call, Secret, Transcript } from './transcript.ts';

export const rules: readonly Rule[] = [
  ...refusalRules,
  ...lifecycleRules,
  ...answerRules,
  ...environmentRules,
];

export interface Examination {
  /** Absolute path. */
  readonly executable: string;
  readonly details: Details;
  /** Where payloads are written; the caller removes it. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutSeconds: number;
  /** A custom action that the extension has. */
  readonly action?: string;
  onCall(step: string): void;
  /** Throws once the operator has asked to end. */
  goOn(): void;
}

/** Calls the executable through an invented life and judges every rule by what came of it. */
export async function examine(examination: Examination): Promise<{
  readonly transcript: Transcript;
  readonly findings: readonly (Finding & { rule: Rule })[];
}> {
  const transcript = await gather(examination);
  return { transcript, findings: rules.map((rule) => ({ rule, ...rule.judge(transcript) })) };
}

const callsToExpect = 50;

async function gather(examination: Examination): Promise<Transcript> {
  const { executable } = examination;
  const entryProblem = entryPointProblem(executable);
  if (entryProblem !== undefined) {
    return { executable, entryProblem, calls: [], secrets: [], newFiles: [] };
  }
  return withTempDir((directory) => play(examination, createPlaces(directory, callsToExpect)));
}

async function play(examination: Examination, places: PipePlaces): Promise<Transcript> {
  const { executable } = examination;
  const before = new Set(filesBeside(executable));
  const trace = randomUUID();
  const runner = createRunner({ ...examination, places, trace });
  const { cast, secrets } = plant(examination);
  try {
    const stopped = await playScript(runner, cast);
    const newFiles = filesBeside(executable).filter((name) => !before.has(name));
    const ended = { executable, calls: runner.calls, secrets, newFiles };
    return stopped === undefined ? ended : { ...ended, stopped };
  } catch (thrown) {
    throw withLeft(Failure.from(thrown), runner.calls);
  } finally {
    endProcessesWith(trace);
  }
}

/** An operator who interrupts the run has to know which instance could not be deleted. */
function withLeft(failure: Failure, calls: readonly Call[]): Failure {
  const last = calls[calls.length - 1];
  if (last?.action !== 'delete' || last.raw.succeeded) return failure;
  const { virtualmachinename: name, virtualmachineid: uuid } = last.payload ?? {};
  const left = `${name} (${uuid}) could not be deleted: ${last.raw.text}`;
  return reworded(failure, {
    message: `${failure.message}, and ${left}`,
    advice: 'Remove it on the remote system',
  });
}

/** Secrets where CloudStack would carry some, beside those that the operator gave. */
function plant({ details, action }: Examination): { cast: Cast; secrets: Secret[] } {
  const planted = { password: plantedSecret('password'), secret: plantedSecret('secret') };
  const parameter = plantedSecret('parameter');
  const cast: Cast = {
    details: { ...details, host: { ...planted, ...details.host } },
    missing: sampleInstance(0),
    alive: sampleInstance(1),
    hurried: sampleInstance(2),
    parameters: { conformpassword: parameter, keep: 3, memory: false },
    ...(action === undefined ? {} : { known: action }),
  };
  const instances = [cast.missing, cast.alive, cast.hurried];
  return {
    cast,
    secrets: [
      ...(['extension', 'resourcemap', 'host'] as const).flatMap((level) =>
        secretDetails(level, cast.details[level]),
      ),
      { where: 'parameter', value: parameter },
      ...instances.map(({ vncPassword }) => ({ where: 'vncPassword', value: vncPassword })),
    ],
  };
}

function secretDetails(level: string, details: Details['host']): Secret[] {
  return Object.entries(details)
    .filter(([key, value]) => /passw|secret|token|api_?key/i.test(key) && value.length >= 8)
    .map(([key, value]) => ({ where: `${level} detail "${key}"`, value }));
}

function filesBeside(executable: string): string[] {
  return readdirSync(dirname(executable));
}
