import { type Book, type Call, callOf } from './book.ts';

export interface Finding {
  readonly state: 'pass' | 'fail' | 'skipped';
  /** One sentence, no full stop. */
  readonly reason: string;
  /** The call that shows it. */
  readonly evidence?: Call;
}

/** One rule of the contract, judged by calls that have been made. */
export interface Rule {
  readonly id: string;
  /** What an extension has to do, as a sentence without full stop. */
  readonly about: string;
  judge(book: Book): Finding;
}

export function pass(reason: string): Finding {
  return { state: 'pass', reason };
}

export function fail(reason: string, evidence?: Call): Finding {
  return { state: 'fail', reason, ...(evidence === undefined ? {} : { evidence }) };
}

export function skipped(reason: string): Finding {
  return { state: 'skipped', reason };
}

/** Judges by certain calls; skips the rule, with the reason, when one was not made. */
export function withCalls<const Steps extends readonly string[]>(
  steps: Steps,
  judge: (...calls: { [Index in keyof Steps]: Call }) => Finding,
): (book: Book) => Finding {
  return (book) => {
    const calls = steps.map((step) => callOf(book, step));
    const absent = calls.indexOf(undefined);
    if (absent < 0) return judge(...(calls as { [Index in keyof Steps]: Call }));
    return skipped(`not tried: ${whyAbsent(book, steps[absent] ?? '')}`);
  };
}

/** Judges in several ways: the first that does not pass is the finding. */
export function every(judges: readonly ((book: Book) => Finding)[]): (book: Book) => Finding {
  return (book) => {
    const findings = judges.map((judge) => judge(book));
    return findings.find(({ state }) => state !== 'pass') ?? findings[0] ?? skipped('not tried');
  };
}

/** Judges every call alike: the first that breaks the rule is the evidence. */
export function forAll(
  calls: (book: Book) => readonly Call[],
  broken: (call: Call) => string | undefined,
): (book: Book) => Finding {
  return (book) => {
    const judged = calls(book);
    if (judged.length === 0) return skipped('there was no answer to judge');
    const offences = judged
      .map((call) => ({ call, reason: broken(call) }))
      .filter((offence): offence is { call: Call; reason: string } => offence.reason !== undefined);
    const [first] = offences;
    if (first === undefined) return pass(`so in all of ${judged.length} calls`);
    return fail(`${first.reason} (in ${offences.length} of ${judged.length} calls)`, first.call);
  };
}

function whyAbsent(book: Book, step: string): string {
  if (book.entryProblem !== undefined) return book.entryProblem;
  if (book.stopped !== undefined) return book.stopped;
  const create = callOf(book, 'create');
  if (create !== undefined && !create.raw.succeeded) return 'create failed';
  return `there was no call "${step}"`;
}
