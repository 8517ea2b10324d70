import type { Conclusion } from '../as-cloudstack/conclude.ts';
import { saysFailure } from '../as-cloudstack/doubts.ts';
import type { Raw } from '../as-cloudstack/raw.ts';
import type { Members } from '../json.ts';
import type { StrangerVisit } from './stranger.ts';

/** One call that was made, and everything that came of it. */
export interface Call {
  /** The purpose of the call, such as `create` or `status after stop`. */
  readonly step: string;
  readonly action: string;
  readonly payload: Members | undefined;
  readonly raw: Raw;
  readonly conclusion: Conclusion;
  /** Processes that were still there a moment after the answer. */
  readonly survivors: readonly Survivor[];
  /** Secrets that stood in a process's arguments; absent where processes cannot be watched. */
  readonly exposed?: readonly Exposure[];
}

export interface Survivor {
  readonly pid: number;
  /** The command line, without the secrets of the payload. */
  readonly command: string;
}

/** A secret among the arguments of a process. */
export interface Exposure {
  /** The name of the program, without its arguments. */
  readonly program: string;
  /** The place in the payload where the secret stood. */
  readonly where: string;
}

/** All that the rules judge by; written once, then only read. */
export interface Transcript {
  readonly executable: string;
  /** The problem of the file, where it could not be called at all. */
  readonly entryProblem?: string;
  /** Why calls are missing, where they are. */
  readonly stopped?: string;
  readonly calls: readonly Call[];
  /** Why a single call was not made, by its step. */
  readonly untried: ReadonlyMap<string, string>;
  /** Texts that no output may hold, with where they were planted. */
  readonly secrets: readonly Secret[];
  /** Files that appeared in the executable's directory meanwhile. */
  readonly newFiles: readonly string[];
  /** The requests that reached a server whose certificate proves nothing, where one was offered. */
  readonly stranger?: StrangerVisit;
}

export interface Secret {
  readonly where: string;
  readonly value: string;
}

export function callOf(transcript: Transcript, step: string): Call | undefined {
  return transcript.calls.find((call) => call.step === step);
}

/** A text in which the secrets are no longer to be read. */
export function withoutSecrets(text: string, secrets: readonly Secret[]): string {
  return secrets.reduce((rest, { value }) => rest.split(value).join('***'), text);
}

/** Whether a call failed, by its exit code or by its own words. */
export function isFailed({ raw }: Call): boolean {
  return !raw.succeeded || saysFailure(raw.text) !== undefined;
}

/** Whether no call at all succeeded, so that a failure shows nothing about its cause. */
export function failsEveryCall({ calls }: Pick<Transcript, 'calls'>): boolean {
  return calls.length > 0 && calls.every(({ raw }) => !raw.succeeded);
}

/** An action that no extension has. */
export const noSuchAction = 'outrigger-no-such-action';

/** A custom action that no extension has. */
export const noSuchCustomAction = 'Outrigger No Such Action';

/** The action that CloudStack sends for a command it has no word for. */
export const classCommand = 'com.cloud.agent.api.CheckVirtualMachineCommand';

/** Argument 3 of the create that is in a hurry: CloudStack's own default for custom actions. */
export const shortSeconds = 3;
