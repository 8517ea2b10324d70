import { isOneDocument } from '../as-cloudstack/doubts.ts';
import {
  every,
  type Finding,
  fail,
  forAll,
  pass,
  passByFailing,
  type Rule,
  skipped,
  withCalls,
} from './rule.ts';
import { type Call, callOf, shortSeconds } from './transcript.ts';

/** The service CloudStack runs in, the versions it comes in, and what a call may leave behind. */
export const environmentRules: readonly Rule[] = [
  same('locale', 'It works in the C locale', 'status, C locale'),
  {
    id: 'home',
    level: 'must',
    about:
      'It works without HOME, and with one that does not exist, or says in one document why not',
    judge: every(
      ['status, without HOME', 'status, HOME missing'].map((step) =>
        withCalls(['status after create', step], sameOrCleanFailure),
      ),
    ),
  },
  same(
    'directory',
    'It works in a directory that was deleted',
    'status, directory deleted',
    'should',
  ),
  same('input-closed', 'It works with standard input closed', 'status, input closed'),
  {
    id: 'release-4.21',
    level: 'should',
    about: 'It works as CloudStack 4.21 calls it: no caller, no details of the instance',
    judge: (transcript) => {
      const status = withCalls(
        ['status after create', 'status as in 4.21'],
        sameAnswer,
      )(transcript);
      if (status.state !== 'pass' || callOf(transcript, 'custom action') === undefined)
        return status;
      return withCalls(['custom action', 'custom action as in 4.21'], (now, then) =>
        now.raw.succeeded === then.raw.succeeded ? status : fail('the custom action differs', then),
      )(transcript);
    },
  },
  same(
    'unknown-keys',
    'It works with keys in the payload that it does not know',
    'status, unknown keys',
  ),
  {
    id: 'parallel',
    level: 'must',
    about: 'Calls that run at the same time do not disturb each other',
    judge: every(
      [1, 2, 3].map((n) => withCalls(['status after create', `status at once ${n}`], sameAnswer)),
    ),
  },
  {
    id: 'time-out',
    level: 'must',
    about: `It ends by itself within the time-out: create with ${shortSeconds} s is done or given up by then`,
    judge: withCalls(['create in a hurry'], (create) =>
      create.raw.ended === 'time-out'
        ? fail('it was killed in the middle of its work, without a chance to clean up', create)
        : pass(`it ended after ${(create.raw.durationMs / 1000).toFixed(1)} s`),
    ),
  },
  {
    id: 'ends-whole',
    level: 'must',
    about: 'No process is left behind: SIGKILL hits only the one that CloudStack started',
    judge: forAll(
      ({ calls }) => calls.filter(({ raw }) => raw.ended === 'exit' || raw.ended === 'time-out'),
      ({ survivors: [survivor] }) =>
        survivor === undefined
          ? undefined
          : `process ${survivor.pid} lived on: ${survivor.command}`,
    ),
  },
  {
    id: 'clean-directory',
    level: 'should',
    about: 'Nothing is written beside the executable, where upgrades make everything readable',
    judge: (transcript) => {
      if (transcript.calls.length === 0) return skipped('nothing was called');
      const [file] = transcript.newFiles;
      return file === undefined ? pass('nothing new there') : fail(`"${file}" appeared there`);
    },
  },
];

function same(id: string, about: string, step: string, level: Rule['level'] = 'must'): Rule {
  return { id, level, about, judge: withCalls(['status after create', step], sameAnswer) };
}

function sameAnswer(usual: Call, here: Call): Finding {
  if (!usual.raw.succeeded) return skipped('status fails as it is');
  if (here.raw.ended === 'time-out') return fail('it hung until it was killed', here);
  if (!here.raw.succeeded) return fail('status fails then', here);
  return here.conclusion.power === usual.conclusion.power
    ? pass('the same answer')
    : fail(`status says ${here.conclusion.power}, not ${usual.conclusion.power}`, here);
}

function sameOrCleanFailure(usual: Call, here: Call): Finding {
  const refused = here.raw.ended === 'exit' && !here.raw.succeeded;
  return refused && isOneDocument(here.raw.output.trim())
    ? passByFailing('it refuses, and says why')
    : sameAnswer(usual, here);
}
