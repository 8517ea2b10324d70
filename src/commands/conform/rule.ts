import { type Call, callOf, type Transcript } from './transcript.ts';

export interface Finding {
  /** `warn` is a broken rule of the level `should`. */
  readonly state: 'pass' | 'fail' | 'warn' | 'skipped';
  /** One sentence, no full stop. */
  readonly reason: string;
  /** The call that shows it. */
  readonly evidence?: Call;
  /** The rule is kept only because a call failed, which an executable that fails every call does too. */
  readonly byFailing?: true;
}

/** One rule of the contract, judged by calls that have been made. */
export interface Rule {
  readonly id: string;
  /** A broken must harms CloudStack, an instance or a tenant; a broken should costs an operator time. */
  readonly level: 'must' | 'should';
  /** The duty of an extension, as a sentence without full stop. */
  readonly about: string;
  judge(transcript: Transcript): Finding;
}

export function pass(reason: string): Finding {
  return { state: 'pass', reason };
}

/** A pass that an executable earns by letting a call fail. */
export function passByFailing(reason: string): Finding {
  return { state: 'pass', reason, byFailing: true };
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
): (transcript: Transcript) => Finding {
  return (transcript) => {
    const calls = steps.map((step) => callOf(transcript, step));
    const absent = calls.indexOf(undefined);
    if (absent < 0) return judge(...(calls as { [Index in keyof Steps]: Call }));
    return skipped(`not tried: ${whyAbsent(transcript, steps[absent] ?? '')}`);
  };
}

/** Judges in several ways: the first that does not pass is the finding. */
export function every(
  judges: readonly ((transcript: Transcript) => Finding)[],
): (transcript: Transcript) => Finding {
  return (transcript) => {
    const findings = judges.map((judge) => judge(transcript));
    return findings.find(({ state }) => state !== 'pass') ?? findings[0] ?? skipped('not tried');
  };
}

/** Judges every call alike: the first that breaks the rule is the evidence. */
export function forAll(
  calls: (transcript: Transcript) => readonly Call[],
  broken: (call: Call) => string | undefined,
): (transcript: Transcript) => Finding {
  return (transcript) => {
    const judged = calls(transcript);
    if (judged.length === 0) return skipped('there was no answer to judge');
    const offences = judged
      .map((call) => ({ call, reason: broken(call) }))
      .filter((offence): offence is { call: Call; reason: string } => offence.reason !== undefined);
    const [first] = offences;
    if (first === undefined) return pass(`so in all of ${judged.length} calls`);
    return fail(`${first.reason} (in ${offences.length} of ${judged.length} calls)`, first.call);
  };
}

function whyAbsent(transcript: Transcript, step: string): string {
  if (transcript.entryProblem !== undefined) return transcript.entryProblem;
  if (transcript.stopped !== undefined) return transcript.stopped;
  const untried = transcript.untried.get(step);
  if (untried !== undefined) return untried;
  const create = callOf(transcript, 'create');
  if (create !== undefined && !create.raw.succeeded) return 'create failed';
  return `there was no call "${step}"`;
}
