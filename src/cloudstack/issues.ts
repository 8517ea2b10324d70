import { Failure, type FailureKind } from '../failure.ts';

/** Collects the mistakes of a call, so that the operator reads all of them at once. */
export interface Issues {
  add(kind: 'usage' | 'config', sentence: string): void;
  readonly count: number;
  /** Throws one failure that lists all issues, unless there are none. */
  throwIfAny(attempt: string): void;
}

export function collectIssues(): Issues {
  const found: { kind: FailureKind; sentence: string }[] = [];
  return {
    add: (kind, sentence) => void found.push({ kind, sentence }),
    get count() {
      return found.length;
    },
    throwIfAny(attempt) {
      const [first] = found;
      if (first === undefined) return;
      const kind = found.some((issue) => issue.kind === 'usage') ? 'usage' : 'config';
      const list = found.map((issue) => issue.sentence);
      throw new Failure(kind, `${attempt}: ${enumerate(list)}`);
    },
  };
}

/** Leaves one sentence as it is and numbers several. */
export function enumerate(sentences: readonly string[]): string {
  if (sentences.length === 1) return sentences[0] ?? '';
  // Some of them are questions and sentences with an advice, which end by themselves.
  const ended = (text: string): string => (/[.!?]$/.test(text) ? text : `${text};`);
  return sentences
    .map((text, index) => `(${index + 1}) ${index + 1 < sentences.length ? ended(text) : text}`)
    .join(' ');
}
