import type { Conclusion } from '../as-cloudstack/conclude.ts';
import type { Raw } from '../as-cloudstack/raw.ts';
import type { Members } from '../json.ts';

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
}

export interface Survivor {
  readonly pid: number;
  readonly command: string;
}

/** All that the rules judge by; written once, then only read. */
export interface Transcript {
  readonly executable: string;
  /** The problem of the file, where it could not be called at all. */
  readonly entryProblem?: string;
  /** Why calls are missing, where they are. */
  readonly stopped?: string;
  readonly calls: readonly Call[];
  /** Texts that no output may hold, with where they were planted. */
  readonly secrets: readonly Secret[];
  /** Files that appeared in the executable's directory meanwhile. */
  readonly newFiles: readonly string[];
}

export interface Secret {
  readonly where: string;
  readonly value: string;
}

export function callOf(transcript: Transcript, step: string): Call | undefined {
  return transcript.calls.find((call) => call.step === step);
}

/** An action that no extension has. */
export const noSuchAction = 'outrigger-no-such-action';

/** A custom action that no extension has. */
export const noSuchCustomAction = 'Outrigger No Such Action';

/** The action that CloudStack sends for a command it has no word for. */
export const classCommand = 'com.cloud.agent.api.CheckVirtualMachineCommand';

/** Argument 3 of the create that is in a hurry: CloudStack's own default for custom actions. */
export const shortSeconds = 3;
