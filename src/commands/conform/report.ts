import { sentence } from '../../failure.ts';
import { duration, howItEnded } from '../describe.ts';
import { wrapped } from '../table.ts';
import type { Paint } from '../terminal.ts';
import type { Finding, Rule } from './rule.ts';
import { type Call, failsEveryCall, type Transcript, withoutSecrets } from './transcript.ts';

export interface Found {
  readonly transcript: Transcript;
  readonly findings: readonly (Finding & { readonly rule: Rule })[];
  /** Where the payload files were left. */
  readonly kept?: string;
}

const shownOfOutput = 300;
const columns = 100;
const indent = 32;

/** The verdict first, then a line for each rule, with reason and evidence where one is broken. */
export function readable(given: Found, paint: Paint): string[] {
  const found = withoutSecretsIn(given);
  const { transcript, findings, kept } = found;
  return [
    ...wrapped(headline(found), columns).map(paint.bold),
    '',
    ...findings.flatMap((finding) => lines(finding, paint)),
    '',
    paint.bold(`${summary(findings)}, ${transcript.calls.length} calls`),
    ...(kept === undefined ? [] : [`Payload files: ${kept}`]),
    nextStep(findings),
  ];
}

/** The next thing that the author of the executable does; musts come before shoulds. */
function nextStep(findings: Found['findings']): string {
  const first = (state: Finding['state']) => findings.find((each) => each.state === state)?.rule.id;
  const broken = first('fail') ?? first('warn');
  return broken === undefined
    ? 'Next: outrigger register, to make CloudStack know it.'
    : `Next: mend ${broken}, the first broken rule, and run conform again.`;
}

/** The same as facts. */
export function inJson(given: Found): object {
  const found = withoutSecretsIn(given);
  const { transcript, findings, kept } = found;
  return {
    executable: transcript.executable,
    conforms: findings.every(({ state }) => state !== 'fail'),
    verdict: headline(found),
    rules: findings.map(({ rule, state, reason, evidence }) => ({
      id: rule.id,
      level: rule.level,
      about: rule.about,
      state,
      reason,
      ...(evidence === undefined ? {} : { evidence: facts(evidence) }),
    })),
    calls: transcript.calls.map(facts),
    ...(kept === undefined ? {} : { kept }),
  };
}

/** The same findings without the secrets that an executable may have printed. */
function withoutSecretsIn({ transcript, findings, ...rest }: Found): Found {
  const { secrets } = transcript;
  const cleaned = (call: Call): Call => ({
    ...call,
    raw: { ...call.raw, output: withoutSecrets(call.raw.output, secrets) },
  });
  return {
    ...rest,
    transcript: { ...transcript, calls: transcript.calls.map(cleaned) },
    findings: findings.map(({ evidence, reason, ...finding }) => ({
      ...finding,
      reason: withoutSecrets(reason, secrets),
      ...(evidence === undefined ? {} : { evidence: cleaned(evidence) }),
    })),
  };
}

/** The one sentence that an operator needs: no list of kept rules hides that nothing works. */
function headline({ transcript, findings }: Found): string {
  const { executable, entryProblem, stopped, calls } = transcript;
  const because = (reason: string): string => `${executable} cannot be judged: ${reason}`;
  if (entryProblem !== undefined) return because(entryProblem);
  if (stopped !== undefined) return because(stopped);
  if (failsEveryCall(transcript)) {
    const create = calls.find(({ step }) => step === 'create');
    return because(
      `every one of its ${calls.length} calls failed${create === undefined ? '' : `; create: ${cut(create)}`}`,
    );
  }
  const broken = findings.filter(({ state }) => state === 'fail').map(({ rule }) => rule.id);
  return broken.length === 0
    ? `${executable} keeps every must that could be tried`
    : `${executable} breaks ${broken.length} of the musts: ${broken.join(', ')}`;
}

function lines(
  { rule, state, reason, evidence }: Found['findings'][number],
  paint: Paint,
): string[] {
  const colour = { pass: paint.green, fail: paint.red, warn: paint.yellow, skipped: paint.dim };
  const [first = '', ...more] = wrapped(rule.about, columns, indent);
  return [
    `${colour[state](state.padEnd(9))}${rule.id.padEnd(indent - 9)}${first.trimStart()}`,
    ...more,
    ...(state === 'pass' ? [] : wrapped(`- ${sentence(reason)}`, columns, indent)),
    ...(evidence === undefined ? [] : shown(evidence).map(paint.dim)),
  ];
}

/** Musts and shoulds are counted apart: many kept shoulds outweigh no broken must. */
function summary(findings: Found['findings']): string {
  const kept = (level: Rule['level']): string => {
    const tried = findings.filter(({ rule, state }) => rule.level === level && state !== 'skipped');
    const passed = tried.filter(({ state }) => state === 'pass').length;
    return `${passed} of ${tried.length} ${level}s kept`;
  };
  const untried = findings.filter(({ state }) => state === 'skipped').length;
  return `${kept('must')}, ${kept('should')}, ${untried} not tried`;
}

function shown(call: Call): string[] {
  const head = `${call.step}: ${howItEnded(call.raw)}, ${duration(call.raw.durationMs)}`;
  const output = cut(call);
  return wrapped(output === '' ? head : `${head}: ${output}`, columns, indent + 2);
}

function cut({ raw }: Call): string {
  const output = raw.output.trim().replace(/\n/g, '\\n');
  return output.length > shownOfOutput ? `${output.slice(0, shownOfOutput)} ...` : output;
}

function facts({ step, action, raw, conclusion, survivors, exposed }: Call): object {
  const { ended, exitCode, durationMs, bytes, output } = raw;
  return {
    step,
    action,
    ended,
    exitCode,
    durationMs: Math.round(durationMs),
    bytes,
    output: output.slice(0, shownOfOutput),
    success: conclusion.success,
    survivors,
    ...(exposed === undefined ? {} : { exposed }),
  };
}
