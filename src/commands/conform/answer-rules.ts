import { unreadable } from '../as-cloudstack/api-text.ts';
import { isOneDocument, saysFailure } from '../as-cloudstack/doubts.ts';
import { parseGson } from '../as-cloudstack/gson.ts';
import type { Json } from '../as-cloudstack/json.ts';
import { pipeBytes } from '../as-cloudstack/pipes.ts';
import { isPowerWord } from '../as-cloudstack/power.ts';
import { type Finding, fail, forAll, pass, type Rule, skipped, withCalls } from './rule.ts';
import type { Call, Transcript } from './transcript.ts';

/** Rules about single answers. */
export const answerRules: readonly Rule[] = [
  {
    id: 'prepare-parses',
    about: 'prepare answers nothing or one JSON object that fits into the instance',
    judge: withPrepare((prepare) =>
      prepare.conclusion.success ? pass('it does') : fail(prepare.conclusion.verdict, prepare),
    ),
  },
  {
    id: 'prepare-nics',
    about: 'prepare hands NICs back by "nicUuid", with a MAC address that can be used',
    judge: withPrepare(judgeNics),
  },
  {
    id: 'prepare-details',
    about: 'prepare hands details back as texts',
    judge: withPrepare(judgeDetails),
  },
  {
    id: 'statuses',
    about: 'statuses fails, or answers "success" with a state for each instance name',
    judge: withCalls(['statuses'], (statuses) => {
      if (statuses.raw.ended === 'time-out') return fail('it hung until it was killed', statuses);
      const said = saysFailure(statuses.raw.text);
      if (!statuses.raw.succeeded || said !== undefined) {
        return pass('it fails, so CloudStack asks status of each');
      }
      if (statuses.conclusion.powers === undefined)
        return fail(statuses.conclusion.verdict, statuses);
      const [odd] = statuses.conclusion.doubts;
      return odd === undefined ? pass('it answers') : fail(odd, statuses);
    }),
  },
  {
    id: 'statuses-complete',
    about:
      'statuses lists every running instance by its instance name: a missing one becomes Stopped',
    judge: withCalls(['statuses', 'status after create'], (statuses, status) => {
      const { powers } = statuses.conclusion;
      if (powers === undefined) return skipped('statuses gave no list');
      const { power } = status.conclusion;
      if (power !== 'PowerOn') return skipped('status did not say PowerOn');
      const listed = powers[String(status.payload?.['virtualmachinename'])];
      if (listed === 'PowerOn') return pass('it does');
      return fail(listed === undefined ? 'the instance is missing' : `it says ${listed}`, statuses);
    }),
  },
  {
    id: 'console',
    about: 'getconsole fails, or answers with a target that CloudStack can use',
    judge: withCalls(['getconsole'], (call) => {
      const { raw, conclusion } = call;
      if (raw.ended === 'time-out') return fail('it hung until it was killed', call);
      if (!raw.succeeded) return pass('it fails');
      return conclusion.success ? pass('it answers') : fail(conclusion.verdict, call);
    }),
  },
  {
    id: 'failure-exit-code',
    about: 'A failure has another exit code than 0; what the output says does not count',
    judge: forAll(ended, ({ raw }) => {
      const said = raw.succeeded ? saysFailure(raw.text) : undefined;
      return said === undefined ? undefined : `${said}, but the exit code is 0`;
    }),
  },
  {
    id: 'one-document',
    about: 'The output is one JSON document and nothing else, on success and on failure',
    judge: forAll(usual, ({ action, raw }) => {
      const text = raw.output.trim();
      const bareWord = action === 'status' && isPowerWord(text);
      const nothing = action === 'prepare' && text === '';
      return bareWord || nothing || isOneDocument(text) ? undefined : 'it is not';
    }),
  },
  {
    id: 'no-errors-printed',
    about: 'Nothing is written to standard error, which ends up in the same pipe',
    judge: forAll(
      ({ calls }) => calls.filter(({ step }) => step.endsWith('errors apart')),
      ({ raw }) =>
        raw.stderr === '' ? undefined : `it wrote ${JSON.stringify(raw.stderr.slice(0, 120))}`,
    ),
  },
  {
    id: 'escapes',
    about:
      'Letters stand as they are: CloudStack un-escapes \\uXXXX in its own answer, which then is no JSON',
    judge: forAll(ended, ({ raw }) => unreadable(raw.text)),
  },
  {
    id: 'size',
    about: 'The output stays under 60,000 bytes; over 65,536 the call hangs',
    judge: forAll(all, ({ raw }) => {
      if (raw.ended === 'time-out' && raw.bytes >= pipeBytes) return 'it hung with the pipe full';
      return raw.bytes > 60_000 ? `it is ${raw.bytes} bytes long` : undefined;
    }),
  },
  {
    id: 'secrets',
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

function withPrepare(judge: (prepare: Call) => Finding): (transcript: Transcript) => Finding {
  return withCalls(['prepare'], (prepare) => {
    if (prepare.raw.ended === 'time-out') return fail('it hung until it was killed', prepare);
    if (prepare.raw.succeeded) return judge(prepare);
    return skipped('prepare fails: do not set orchestratorrequirespreparevm for this extension');
  });
}

const mac = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i;

function judgeNics(prepare: Call): Finding {
  const prepared = prepare.conclusion.prepared;
  if (prepared === undefined) return skipped('the answer could not be read');
  const ignored = prepared.ignored.find((what) => what.startsWith('NIC '));
  if (ignored !== undefined) return fail(ignored, prepare);
  const odd = prepared.nics.find((nic) => nic.mac !== undefined && !mac.test(nic.mac));
  if (odd !== undefined) return fail(`"${odd.mac}" is no MAC address of a machine`, prepare);
  return pass(prepared.nics.length === 0 ? 'it changes none' : `${prepared.nics.length} changed`);
}

function judgeDetails(prepare: Call): Finding {
  const answer = parseGson(prepare.raw.text);
  const details: Json | undefined =
    answer?.kind === 'object' ? answer.members.get('details') : undefined;
  if (details?.kind !== 'object') return pass('it hands none back');
  const odd = [...details.members].find(([, value]) => value.kind !== 'string');
  return odd === undefined ? pass('it does') : fail(`"${odd[0]}" is no text`, prepare);
}

function leaked({ action, raw }: Call, { secrets }: Transcript): string | undefined {
  const found = secrets.find(({ where, value }) => {
    // The console's password is what getconsole is asked for.
    if (action === 'getconsole' && where === 'vncPassword') return false;
    return raw.output.includes(value);
  });
  return found === undefined ? undefined : `the ${found.where} is in the output`;
}
