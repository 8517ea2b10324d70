import { parseGson } from '../as-cloudstack/gson.ts';
import type { Json } from '../as-cloudstack/json.ts';
import { type Finding, fail, pass, type Rule, skipped, withCalls } from './rule.ts';
import type { Call, Transcript } from './transcript.ts';

/** Rules about prepare, which CloudStack only calls where the extension was registered with it. */
export const prepareRules: readonly Rule[] = [
  {
    id: 'prepare',
    level: 'should',
    about: 'prepare succeeds',
    judge: withCalls(['prepare'], (prepare) => {
      if (prepare.raw.ended === 'time-out') return fail('it hung until it was killed', prepare);
      if (prepare.raw.succeeded) return pass('it does');
      return fail(
        'it fails: an extension that has no prepare is registered without orchestratorrequirespreparevm, and with it no instance could be deployed',
        prepare,
      );
    }),
  },
  {
    id: 'prepare-parses',
    level: 'must',
    about: 'prepare answers nothing or one JSON object that fits into the instance',
    judge: withPrepare((prepare) =>
      prepare.conclusion.success ? pass('it does') : fail(prepare.conclusion.verdict, prepare),
    ),
  },
  {
    id: 'prepare-nics',
    level: 'must',
    about: 'prepare hands NICs back by "nicUuid", with a MAC address that can be used',
    judge: withPrepare(judgeNics),
  },
  {
    id: 'prepare-details',
    level: 'should',
    about: 'prepare hands details back as texts',
    judge: withPrepare(judgeDetails),
  },
];

function withPrepare(judge: (prepare: Call) => Finding): (transcript: Transcript) => Finding {
  return withCalls(['prepare'], (prepare) =>
    prepare.raw.succeeded ? judge(prepare) : skipped('prepare fails'),
  );
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
