import { unreadable } from '../as-cloudstack/api-text.ts';
import { isOneDocument, saysFailure } from '../as-cloudstack/doubts.ts';
import { pipeBytes } from '../as-cloudstack/pipes.ts';
import { isPowerWord } from '../as-cloudstack/power.ts';
import { fail, forAll, pass, passByFailing, type Rule, withCalls } from './rule.ts';
import type { Call, Transcript } from './transcript.ts';

/** Rules about single answers. */
export const answerRules: readonly Rule[] = [
  {
    id: 'console',
    level: 'must',
    about: 'getconsole fails, or answers with a target that CloudStack can use',
    judge: withCalls(['getconsole'], (call) => {
      const { raw, conclusion } = call;
      if (raw.ended === 'time-out') return fail('it hung until it was killed', call);
      if (!raw.succeeded) return passByFailing('it fails');
      return conclusion.success ? pass('it answers') : fail(conclusion.verdict, call);
    }),
  },
  {
    id: 'failure-exit-code',
    level: 'must',
    about: 'A failure has another exit code than 0; what the output says does not count',
    judge: forAll(ended, ({ raw }) => {
      const said = raw.succeeded ? saysFailure(raw.text) : undefined;
      return said === undefined ? undefined : `${said}, but the exit code is 0`;
    }),
  },
  {
    id: 'one-document',
    level: 'must',
    about: 'An answer that CloudStack reads is one JSON document and nothing else',
    judge: forAll((transcript) => usual(transcript).filter(isRead), notOneDocument),
  },
  {
    id: 'always-one-document',
    level: 'should',
    about: 'Every other answer is one JSON document too, failures included',
    judge: forAll((transcript) => usual(transcript).filter((c) => !isRead(c)), notOneDocument),
  },
  {
    id: 'no-errors-printed',
    level: 'must',
    about: 'Nothing is written to standard error, which ends up in the same pipe',
    judge: forAll(
      ({ calls }) => calls.filter(({ step }) => step.endsWith('errors apart')),
      ({ raw }) =>
        raw.stderr === '' ? undefined : `it wrote ${JSON.stringify(raw.stderr.slice(0, 120))}`,
    ),
  },
  {
    id: 'escapes',
    level: 'must',
    about: String.raw`Letters stand as they are: CloudStack un-escapes \uXXXX in its own answer, which then is no JSON`,
    judge: forAll(ended, ({ raw }) => unreadable(raw.text)),
  },
  {
    id: 'size',
    level: 'must',
    about: 'The output stays under 60,000 bytes; over 65,536 the call hangs',
    judge: forAll(all, ({ raw }) => {
      if (raw.ended === 'time-out' && raw.bytes >= pipeBytes) return 'it hung with the pipe full';
      return raw.bytes > 60_000 ? `it is ${raw.bytes} bytes long` : undefined;
    }),
  },
  {
    id: 'secrets',
    level: 'must',
    about: 'No secret of the payload is printed',
    judge: (transcript) => forAll(all, (call) => leaked(call, transcript))(transcript),
  },
];

function all({ calls }: Transcript): readonly Call[] {
  return calls;
}

function ended({ calls }: Transcript): Call[] {
  return calls.filter(({ raw }) => raw.ended === 'exit');
}

/** Without the one where an interpreter may complain before the extension gets to speak. */
function usual(transcript: Transcript): Call[] {
  return ended(transcript).filter(({ step }) => step !== 'status, directory deleted');
}

const unread = ['create', 'start', 'stop', 'reboot', 'delete'];

function isRead({ action, raw }: Call): boolean {
  return raw.succeeded && !unread.includes(action);
}

function notOneDocument({ action, raw }: Call): string | undefined {
  const text = raw.output.trim();
  const bareWord = action === 'status' && isPowerWord(text);
  const nothing = action === 'prepare' && text === '';
  return bareWord || nothing || isOneDocument(text) ? undefined : 'it is not';
}

function leaked({ action, raw }: Call, { secrets }: Transcript): string | undefined {
  const found = secrets.find(({ where, value }) => {
    // The console's password is what getconsole is asked for.
    if (action === 'getconsole' && where === 'vncPassword') return false;
    return raw.output.includes(value);
  });
  return found === undefined ? undefined : `the ${found.where} is in the output`;
}
