import { unreadable } from '../../as-cloudstack/api-text.ts';
import { concludeNetwork, type NetworkConclusion } from '../../as-cloudstack/network.ts';
import { isMembers } from '../../json.ts';
import { answerRules } from '../answer-rules.ts';
import {
  type Finding,
  fail,
  forAll,
  pass,
  passByFailing,
  type Rule,
  skipped,
  withCalls,
} from '../rule.ts';
import type { Call, Transcript } from '../transcript.ts';

const concluded = (call: Call): NetworkConclusion => concludeNetwork(call.action, call.raw);
const starting = (word: string) => (transcript: Transcript) =>
  transcript.calls.filter(({ step }) => step.startsWith(word));
const all = ({ calls }: Transcript): readonly Call[] => calls;

/** A call that has to fail, since a success would be believed. */
const refused = (...steps: readonly string[]): Rule['judge'] =>
  forFailures((transcript) => transcript.calls.filter(({ step }) => steps.includes(step)));

function forFailures(calls: (transcript: Transcript) => readonly Call[]): Rule['judge'] {
  return (transcript) => {
    const finding = forAll(calls, (call) =>
      concluded(call).success ? `${call.step} counts as a success` : undefined,
    )(transcript);
    return finding.state === 'pass' ? passByFailing(finding.reason) : finding;
  };
}

/** The contract of a network extension, as CloudStack 4.23 holds it to. */
export const networkRules: readonly Rule[] = [
  {
    id: 'unknown-command',
    level: 'must',
    about: 'A word that is no network command fails; a later CloudStack would believe a success',
    judge: refused('unknown command'),
  },
  {
    id: 'which-half',
    level: 'must',
    about: 'Words and payloads of the Orchestrator fail: the payload tells the halves apart',
    judge: forFailures((transcript) =>
      transcript.calls.filter(({ step }) => /^Orchestrator's|^payload of an instance/.test(step)),
    ),
  },
  {
    id: 'broken-payload',
    level: 'must',
    about: 'Without a payload that can be read, data of a guest are not reported as saved',
    judge: refused('payload missing', 'payload empty', 'payload not JSON'),
  },
  {
    id: 'unknown-custom-action',
    level: 'should',
    about: 'A custom action that it does not have fails',
    judge: refused('unknown custom action'),
  },
  {
    id: 'ensure-output',
    level: 'must',
    about:
      'ensure-network-device prints one JSON object of at most 1,024 characters, or nothing: anything else kills the network for good',
    judge: forAll(starting('ensure'), (call) => concluded(call).doubts[0]),
  },
  {
    id: 'ensure-errors',
    level: 'must',
    about: 'ensure-network-device writes nothing to standard error, which is stored with the rest',
    judge: withCalls(['ensure, errors apart'], (call) =>
      call.raw.succeeded && call.raw.stderr !== ''
        ? fail('it wrote to standard error and succeeded', call)
        : pass('it is silent there'),
    ),
  },
  {
    id: 'ensure-stable',
    level: 'should',
    about: 'ensure-network-device repeats its own answer, or prints nothing, when it gets it back',
    judge: withCalls(['ensure, first', 'ensure, again'], (first, again) => {
      if (!first.raw.succeeded || !again.raw.succeeded) return skipped('it failed');
      const same = again.raw.text === '' || again.raw.text === first.raw.text;
      return same ? pass('so it does') : fail('the second answer is another one', again);
    }),
  },
  {
    id: 'escapes',
    level: 'must',
    about: String.raw`What is stored or returned holds no \uXXXX: CloudStack's lists could not be read any more`,
    judge: forAll(
      ({ calls }) => calls.filter(({ action, raw }) => raw.succeeded && isKept(action)),
      ({ raw }) => unreadable(raw.text),
    ),
  },
  {
    id: 'status',
    level: 'must',
    about: 'Exit code and "status" agree, where CloudStack reads the one and where the other',
    judge: forAll(all, disagreement),
  },
  {
    id: 'one-document',
    level: 'should',
    about: 'Every answer is one JSON document or nothing',
    judge: forAll(
      ({ calls }) => calls.filter(({ raw }) => raw.ended === 'exit'),
      ({ raw }) => (isNothingOrJson(raw.output.trim()) ? undefined : 'it is not'),
    ),
  },
  {
    id: 'uri',
    level: 'must',
    about: 'A URI of implement-network can be read, and its type is one of CloudStack',
    judge: forAll(starting('implement'), (call) => concluded(call).doubts[0]),
  },
  ...(['l2', 'isolated'] as const).map(
    (kind): Rule => ({
      id: `implement-again-${kind}`,
      level: 'must',
      about: `implement-network comes again on a live network (${kind}) and answers the same`,
      judge: withCalls([`implement ${kind}`, `implement ${kind}, again`], sameAgain),
    }),
  ),
  {
    id: 'guest-data',
    level: 'must',
    about:
      'save-vm-data takes what CloudStack sends: again, changed, without password or user data, of a second NIC, numbers as numbers, unknown keys',
    judge: ifServed(forSuccess(starting('save, '))),
  },
  {
    id: 'guest-before-network',
    level: 'must',
    about: 'Guests come before, or without, implement-network',
    judge: withCalls(['save, first', 'save, implemented'], (before, after) =>
      concluded(after).success && !concluded(before).success
        ? fail('save-vm-data works after implement-network alone', before)
        : pass('it makes no difference'),
    ),
  },
  {
    id: 'passwords',
    level: 'must',
    about: 'save-password is kept: CloudStack never sends it again',
    judge: ifServed(forSuccess((transcript) => transcript.calls.filter(isStep('save password')))),
  },
  {
    id: 'at-once',
    level: 'must',
    about: 'Several save-vm-data at once, from servers with another HOME, all succeed',
    judge: ifServed(forSuccess(starting('save at once'))),
  },
  {
    id: 'restore',
    level: 'must',
    about:
      'restore-network succeeds for none and for 200 instances: a failure costs the whole zone',
    judge: forSuccess(starting('restore')),
  },
  {
    id: 'gone',
    level: 'must',
    about:
      'shutdown-network and destroy-network succeed for what is gone or never was: a failure blocks every start on the network',
    judge: forSuccess(({ calls }) =>
      calls.filter(({ step }) => /^(shutdown|destroy)-network/.test(step)),
    ),
  },
  {
    id: 'take-away',
    level: 'should',
    about: 'Commands that take something away succeed, also without the NIC’s UUID',
    judge: forSuccess(({ calls }) =>
      calls.filter(({ action }) => /^(release|remove|delete)-/.test(action)),
    ),
  },
  {
    id: 'deadline',
    level: 'must',
    about: 'Every command ends within 50 s: CloudStack waits for ever, with the network locked',
    judge: forAll(all, ({ raw }) =>
      raw.ended === 'time-out' || raw.durationMs > 50_000 ? 'it took longer' : undefined,
    ),
  },
  {
    id: 'survivors',
    level: 'must',
    about: 'No process is left that holds the pipe, for whose end CloudStack would wait',
    judge: forAll(all, ({ survivors: [first] }) =>
      first === undefined ? undefined : `${first.command} goes on`,
    ),
  },
  ...answerRules.filter(({ id }) => id === 'secrets'),
];

function isStep(word: string) {
  return ({ step }: Call): boolean => step === word;
}

function isKept(action: string): boolean {
  return action === 'ensure-network-device' || action === 'custom-action';
}

function forSuccess(calls: (transcript: Transcript) => readonly Call[]): Rule['judge'] {
  return forAll(calls, (call) =>
    concluded(call).success ? undefined : `${call.step} fails: ${call.raw.text.slice(0, 120)}`,
  );
}

/** An extension may serve no user data at all. */
function ifServed(judge: Rule['judge']): Rule['judge'] {
  return (transcript): Finding => {
    const saves = transcript.calls.filter(({ action }) => action === 'save-vm-data');
    const served = saves.some(
      (call) => !call.step.startsWith('payload') && concluded(call).success,
    );
    return served ? judge(transcript) : skipped('no save-vm-data succeeds: it serves no user data');
  };
}

function sameAgain(first: Call, again: Call): Finding {
  if (!concluded(first).success) return skipped('the first one failed');
  if (!concluded(again).success) return fail('the second one failed', again);
  const [before, after] = [concluded(first).broadcast, concluded(again).broadcast];
  if (JSON.stringify(before) === JSON.stringify(after)) return pass('so it does');
  return fail(`first ${before?.uri ?? 'no URI'}, then ${after?.uri ?? 'none'}`, again);
}

/** CloudStack reads `status` of one JSON document only, and only beside exit code 0. */
function disagreement(call: Call): string | undefined {
  const { raw } = call;
  if (raw.ended !== 'exit') return undefined;
  const said = /"status"\s*:\s*"?([A-Za-z0-9_]+)/.exec(raw.text)?.[1];
  if (said === undefined) return undefined;
  const isGood = said.toLowerCase() === 'success';
  if (raw.succeeded === isGood) {
    return isGood || !concluded(call).success ? undefined : `"status" is ${said} and is not read`;
  }
  return `exit code ${raw.exitCode ?? '?'} beside "status": ${said}`;
}

function isNothingOrJson(text: string): boolean {
  if (text === '') return true;
  try {
    const value: unknown = JSON.parse(text);
    return isMembers(value) || Array.isArray(value);
  } catch {
    return false;
  }
}
