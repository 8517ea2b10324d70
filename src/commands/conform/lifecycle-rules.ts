import { saysFailure } from '../as-cloudstack/doubts.ts';
import { isPowerWord, readPower } from '../as-cloudstack/power.ts';
import {
  type Finding,
  fail,
  forAll,
  pass,
  passByFailing,
  type Rule,
  skipped,
  withCalls,
} from './rule.ts';
import { type Call, callOf, type Transcript } from './transcript.ts';

/** An instance that never was, and one from create to delete. */
export const lifecycleRules: readonly Rule[] = [
  {
    id: 'status-of-nothing',
    level: 'must',
    about: 'status of an instance that never was claims neither on nor off',
    judge: withCalls(['status of nothing'], claimsNothing),
  },
  succeeds('stop-of-nothing', 'stop of an instance that is not there succeeds, also again', [
    'stop of nothing',
    'stop of nothing again',
  ]),
  succeeds('delete-of-nothing', 'delete of an instance that is not there succeeds, also again', [
    'delete of nothing',
    'delete of nothing again',
  ]),
  {
    id: 'create',
    level: 'must',
    about: 'It answers to "create", the word CloudStack sends for a deployment',
    judge: createAnswers,
  },
  {
    id: 'create-runs',
    level: 'must',
    about: 'After a successful create the instance runs, and status says so',
    judge: withCalls(['status after create'], (status) => hasPower(status, 'PowerOn')),
  },
  {
    id: 'create-again',
    level: 'must',
    about: 'create of an instance that exists succeeds and leaves it running',
    judge: withCalls(['create again', 'status after create again'], (again, status) =>
      again.raw.succeeded ? hasPower(status, 'PowerOn') : fail('it failed', again),
    ),
  },
  {
    id: 'create-unprepared',
    level: 'must',
    about: 'create works without a prepare before it, as on a second attempt',
    judge: withCalls(['create in a hurry'], (create) => {
      if (create.raw.succeeded && saysFailure(create.raw.text) === undefined) return pass('it did');
      const outOfTime = create.raw.ended === 'time-out' || create.raw.durationMs > 1500;
      return outOfTime
        ? skipped('it ran out of the 3 s that it was given')
        : fail('it failed', create);
    }),
  },
  {
    id: 'status-words',
    level: 'must',
    about: 'status says PowerOn, PowerOff or unknown, in any case',
    judge: forAll(answeredStatuses, (call) => {
      const { word } = readPower(call.raw.text);
      if (word === undefined) return 'there is no power_state in it';
      const cut = word.length > 60 ? `${word.slice(0, 60)} ...` : word;
      return isPowerWord(word) ? undefined : `"${cut}" is read as PowerUnknown`;
    }),
  },
  {
    id: 'foreign-action-key',
    level: 'must',
    about: `A custom action that is called "stop" is told from CloudStack's stop by its "action" key`,
    judge: withCalls(
      ['status after create again', 'status after custom action'],
      (before, after) => {
        if (before.conclusion.power === 'PowerOn') return hasPower(after, 'PowerOn');
        return skipped('status did not say PowerOn before');
      },
    ),
  },
  changes('reboot', 'reboot succeeds and the instance runs', 'PowerOn'),
  changes('stop', 'stop succeeds and the instance is off', 'PowerOff'),
  succeeds('stop-again', 'stop of a stopped instance succeeds', ['stop again']),
  changes('start', 'start succeeds and the instance runs', 'PowerOn'),
  succeeds('delete', 'delete succeeds, also again', ['delete', 'delete again']),
  {
    id: 'status-after-delete',
    level: 'must',
    about: 'status of a deleted instance claims neither on nor off',
    judge: withCalls(['status after delete'], claimsNothing),
  },
];

function succeeds(id: string, about: string, steps: readonly string[]): Rule {
  return {
    id,
    level: 'must',
    about,
    judge: withCalls(steps, (...calls) => {
      const failed = calls.find(({ raw }) => !raw.succeeded);
      return failed === undefined ? pass('exit code 0') : fail('it failed', failed);
    }),
  };
}

function changes(action: string, about: string, power: 'PowerOn' | 'PowerOff'): Rule {
  return {
    id: action,
    level: 'must',
    about,
    judge: withCalls([action, `status after ${action}`], (call, status) =>
      call.raw.succeeded ? hasPower(status, power) : fail('it failed', call),
    ),
  };
}

function createAnswers(transcript: Transcript): Finding {
  return withCalls(['create'], (create) => {
    const said = saysFailure(create.raw.text);
    if (create.raw.succeeded && said === undefined) return pass('it did');
    const deploy = callOf(transcript, 'deploy');
    const knowsDeploy =
      deploy?.raw.succeeded === true && saysFailure(deploy.raw.text) === undefined;
    if (knowsDeploy) return fail('only "deploy" did, which CloudStack never sends', create);
    const advice = 'if it needs details, give them as key=value';
    return create.raw.succeeded
      ? fail(`${said}, but its exit code is 0, so CloudStack believes the instance runs`, create)
      : fail(`it failed, so the instance's life was not tried; ${advice}`, create);
  })(transcript);
}

function hasPower(status: Call, power: 'PowerOn' | 'PowerOff'): Finding {
  const said = status.conclusion.power ?? 'nothing';
  return said === power ? pass(`status says ${said}`) : fail(`status says ${said}`, status);
}

function claimsNothing(status: Call): Finding {
  const { power } = status.conclusion;
  if (status.raw.ended === 'time-out') return fail('it hung until it was killed', status);
  if (power === 'PowerOff')
    return fail('PowerOff makes CloudStack stop a running instance', status);
  if (power === 'PowerOn') return fail('PowerOn makes CloudStack take it for running', status);
  return status.raw.succeeded ? pass('it says unknown') : passByFailing('it fails');
}

/** Of the instance while it exists, in surroundings that leave the answer alone. */
function answeredStatuses({ calls }: Transcript): Call[] {
  const alive = /^status (after (create|stop|start|reboot)|as in|at once)/;
  return calls.filter(
    ({ action, step, raw }) => action === 'status' && raw.succeeded && alive.test(step),
  );
}
