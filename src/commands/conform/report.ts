import { duration, howItEnded } from '../describe.ts';
import { wrapped } from '../table.ts';
import type { Paint } from '../terminal.ts';
import type { Finding, Rule } from './rule.ts';
import type { Call, Transcript } from './transcript.ts';

export interface Found {
  readonly transcript: Transcript;
  readonly findings: readonly (Finding & { readonly rule: Rule })[];
  /** Where the payload files were left. */
  readonly kept?: string;
}

const shownOfOutput = 300;
const columns = 100;
const indent = 32;

/** The findings for reading: a line for each rule, reason and evidence where one is broken. */
export function readable({ transcript, findings, kept }: Found, paint: Paint): string[] {
  const colour = { pass: paint.green, fail: paint.red, skipped: paint.yellow };
  const lines = findings.flatMap(({ rule, state, reason, evidence }) => [
    ...wrapped(rule.about, columns, indent).map((line, index) =>
      index > 0
        ? line
        : `${colour[state](state.padEnd(9))}${rule.id.padEnd(indent - 9)}${line.trimStart()}`,
    ),
    ...(state === 'pass' ? [] : wrapped(`- ${reason}.`, columns, indent)),
    ...(evidence === undefined ? [] : shown(evidence).map(paint.dim)),
  ]);
  return [
    paint.bold(`Contract of ${transcript.executable}`),
    '',
    ...lines,
    '',
    paint.bold(`${summary(findings)}, ${transcript.calls.length} calls`),
    ...(kept === undefined ? [] : [`Payload files: ${kept}`]),
  ];
}

/** The same as facts. */
export function inJson({ transcript, findings, kept }: Found): object {
  return {
    executable: transcript.executable,
    conforms: findings.every(({ state }) => state !== 'fail'),
    rules: findings.map(({ rule, state, reason, evidence }) => ({
      id: rule.id,
      about: rule.about,
      state,
      reason,
      ...(evidence === undefined ? {} : { evidence: facts(evidence) }),
    })),
    calls: transcript.calls.map(facts),
    ...(kept === undefined ? {} : { kept }),
  };
}

function summary(findings: Found['findings']): string {
  const count = (wanted: Finding['state']): number =>
    findings.filter(({ state }) => state === wanted).length;
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped`;
}

function shown(call: Call): string[] {
  const output = call.raw.output.trim().replace(/\n/g, '\\n');
  const cut = output.length > shownOfOutput ? `${output.slice(0, shownOfOutput)} ...` : output;
  const head = `${call.step}: ${howItEnded(call.raw)}, ${duration(call.raw.durationMs)}`;
  return wrapped(cut === '' ? head : `${head}: ${cut}`, columns, indent + 2);
}

function facts({ step, action, raw, conclusion, survivors }: Call): object {
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
  };
}
