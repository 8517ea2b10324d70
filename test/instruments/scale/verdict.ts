import { formFault as answerFault } from '../../support/answer-form.ts';
import type { Ended } from './process.ts';

/** How a call came out, for the table. */
export type Outcome = 'done' | 'failed' | 'killed';

export type Document = Readonly<Record<string, unknown>>;

export function outcomeOf({ exitCode, signal }: Ended): Outcome {
  if (signal !== null) return 'killed';
  return exitCode === 0 ? 'done' : 'failed';
}

/** The answer; empty for a process that was killed before it had one. */
export function documentOf({ text }: Ended): Document {
  try {
    return JSON.parse(text) as Document;
  } catch {
    return {};
  }
}

/** The complaint about the end of a call of any action; nothing for a good one. */
export function faultOf(ended: Ended, secrets: readonly string[]): string | undefined {
  const { signal, sent, text, late } = ended;
  if (late) return 'was not done when its time was over';
  const leaked = secrets.find((secret) => text.includes(secret));
  if (leaked !== undefined) return 'tells a secret';
  if (signal === null) return formFault(ended);
  if (signal !== sent) return `died of ${signal}, which the test had not sent`;
  // Killed before it could answer; what it did answer has to be whole.
  return text === '' || 'status' in documentOf(ended) ? undefined : 'left half an answer';
}

function formFault({ text, exitCode }: Ended): string | undefined {
  const fault = answerFault(text);
  if (fault !== undefined)
    return `answered what CloudStack cannot pass on (${fault}): ${clip(text)}`;
  let document: Document;
  try {
    document = JSON.parse(text);
  } catch {
    return `answered no JSON: ${clip(text)}`;
  }
  if (exitCode !== 0 && exitCode !== 1) return `ended with ${exitCode}`;
  const status = exitCode === 0 ? 'success' : 'error';
  if (document['status'] !== status) return `ended with ${exitCode}, but says ${clip(text)}`;
  if (exitCode === 1 && typeof document['error'] !== 'string') return 'failed without a reason';
  // Something that "should not happen", in our own words.
  if (/should not happen/.test(text)) return `stumbled: ${clip(text)}`;
  return undefined;
}

function clip(text: string): string {
  return JSON.stringify(text.length > 400 ? `${text.slice(0, 400)} ...` : text);
}
