import { constants } from 'node:os';
import { basename } from 'node:path';
import { pipeBytes } from './pipes.ts';

/** One run as CloudStack sees it. */
export interface Raw {
  /** The command line: entry point, action, payload file, time-out. */
  readonly command: readonly string[];
  readonly ended: 'exit' | 'time-out' | 'not-configured' | 'not-started';
  /** 128 + n after signal n. */
  readonly exitCode?: number;
  readonly signal?: NodeJS.Signals;
  /** Exit code 0 in time, which is all that CloudStack asks of most actions. */
  readonly succeeded: boolean;
  /** The text that CloudStack works with: the trimmed output, or its own words for the failure. */
  readonly text: string;
  /** The whole output, whether CloudStack uses it or not. */
  readonly output: string;
  /** Only with `errorsApart`. */
  readonly stderr: string;
  readonly bytes: number;
  readonly durationMs: number;
  /** The payload file was still there afterwards. */
  readonly payloadLeft: boolean;
  /** Differences from a real CloudStack, and other facts about the run. */
  readonly notes: readonly string[];
}

/** How the process ended. */
export interface End {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly killed: boolean;
  readonly error?: Error;
}

type InWords = Pick<Raw, 'ended' | 'exitCode' | 'signal' | 'succeeded' | 'text'>;

/** How CloudStack puts the end of a run; `read` where files stood in for the pipes. */
export function inCloudStacksWords(end: End, output: Buffer, read: boolean): InWords {
  if (end.error !== undefined) {
    return { ended: 'not-started', succeeded: false, text: 'External operation failed' };
  }
  if (end.killed || (read && output.length > pipeBytes)) {
    return { ended: 'time-out', succeeded: false, text: 'Timeout' };
  }
  const signal = end.signal ?? undefined;
  const exitCode = signal === undefined ? (end.exitCode ?? 0) : 128 + constants.signals[signal];
  const text = trimmed(output.toString('utf8'));
  return {
    ended: 'exit',
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    succeeded: exitCode === 0,
    text: exitCode === 0 ? text : `Exit code: ${exitCode}, Output: ${text}`,
  };
}

/** Java's trim(), which takes control characters too but leaves a byte order mark. */
function trimmed(output: string): string {
  let start = 0;
  let end = output.length;
  while (start < end && output.charCodeAt(start) <= 0x20) start++;
  while (end > start && output.charCodeAt(end - 1) <= 0x20) end--;
  return output.slice(start, end).replace(/\r\n?/g, '\n');
}

/** The run of an entry point that CloudStack does not even start. */
export function notConfigured(command: readonly string[], problem: string): Raw {
  const name = basename(command[0] ?? '');
  return {
    command,
    ended: 'not-configured',
    succeeded: false,
    text: `Extension: ${name} not configured for host: External:GUID`,
    output: '',
    stderr: '',
    bytes: 0,
    durationMs: 0,
    payloadLeft: true,
    notes: [`CloudStack refuses the entry point: ${problem}`],
  };
}
