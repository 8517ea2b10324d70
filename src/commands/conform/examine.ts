import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure, reworded } from '../../failure.ts';
import { entryPointProblem } from '../as-cloudstack/entry-point.ts';
import { createPlaces, type PipePlaces } from '../as-cloudstack/pipes.ts';
import { withTempDir } from '../temp-dir.ts';
import { answerRules } from './answer-rules.ts';
import { otherPlacesOf, plant } from './cast.ts';
import { connectionRules } from './connection-rules.ts';
import { environmentRules } from './environment-rules.ts';
import { lifecycleRules } from './lifecycle-rules.ts';
import { ownershipRules } from './ownership-rules.ts';
import type { Details } from './payloads.ts';
import { prepareRules } from './prepare-rules.ts';
import { refusalRules } from './refusal-rules.ts';
import { type Finding, type Rule, skipped } from './rule.ts';
import { createRunner } from './runner.ts';
import { playScript } from './script.ts';
import { statusesRules } from './statuses-rules.ts';
import { startStranger } from './stranger.ts';
import { endProcessesWith } from './survivors.ts';
import { type Call, failsEveryCall, type Transcript } from './transcript.ts';

export const rules: readonly Rule[] = [
  ...refusalRules,
  ...prepareRules,
  ...lifecycleRules,
  ...ownershipRules,
  ...statusesRules,
  ...answerRules,
  ...connectionRules,
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
  return { transcript, findings: rules.map((rule) => ({ rule, ...judged(rule, transcript) })) };
}

/** A should that is broken is a warning; a failure is no merit of an executable that only fails. */
export function judged(rule: Rule, transcript: Transcript): Finding {
  const finding = rule.judge(transcript);
  if (finding.byFailing && failsEveryCall(transcript))
    return skipped('it fails every call, so that it fails this one shows nothing');
  return finding.state === 'fail' && rule.level === 'should'
    ? { ...finding, state: 'warn' }
    : finding;
}

const callsToExpect = 70;

async function gather(examination: Examination): Promise<Transcript> {
  const { executable } = examination;
  const entryProblem = entryPointProblem(executable);
  if (entryProblem !== undefined) {
    return { executable, entryProblem, calls: [], untried: new Map(), secrets: [], newFiles: [] };
  }
  return withTempDir((directory) => play(examination, createPlaces(directory, callsToExpect)));
}

async function play(examination: Examination, places: PipePlaces): Promise<Transcript> {
  const { executable, action } = examination;
  const before = new Set(filesBeside(executable));
  const trace = randomUUID();
  const { cast, secrets } = plant(examination.details, action);
  const runner = createRunner({ ...examination, places, trace, secrets });
  const stranger = await startStranger(secrets);
  try {
    const there = { stranger, nowhere: await emptyOrigin() };
    const stopped = await playScript(runner, cast, otherPlacesOf(cast.details, there, runner));
    const newFiles = filesBeside(executable).filter((name) => !before.has(name));
    const { calls, untried } = runner;
    const ended = { executable, calls, untried, secrets, newFiles, stranger: stranger.visit() };
    return stopped === undefined ? ended : { ...ended, stopped };
  } catch (thrown) {
    throw withLeft(Failure.from(thrown), runner.calls);
  } finally {
    endProcessesWith(trace);
    await stranger.close();
  }
}

/** An address of this machine at which nothing listens. */
async function emptyOrigin(): Promise<string> {
  const { origin, close } = await startStranger([]);
  await close();
  return origin;
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

export function filesBeside(executable: string): string[] {
  return readdirSync(dirname(executable));
}
