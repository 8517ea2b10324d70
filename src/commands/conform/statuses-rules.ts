import { saysFailure } from '../as-cloudstack/doubts.ts';
import { type Finding, fail, pass, passByFailing, type Rule, skipped, withCalls } from './rule.ts';
import type { Call } from './transcript.ts';

/** Rules about statuses, which CloudStack either believes as a whole or does without. */
export const statusesRules: readonly Rule[] = [
  {
    id: 'statuses',
    level: 'should',
    about: 'statuses fails by its exit code, or answers "success" with a state for each name',
    judge: withCalls(['statuses'], judgeForm),
  },
  {
    id: 'statuses-complete',
    level: 'must',
    about:
      'statuses, where CloudStack believes it, lists a running instance by its instance name: a missing one becomes Stopped',
    judge: withCalls(['status after create', 'statuses'], judgeRunning),
  },
  {
    id: 'statuses-stopped',
    level: 'must',
    about: 'statuses, where CloudStack believes it, does not call a stopped instance running',
    judge: withCalls(['stop', 'status after stop', 'statuses after stop'], judgeStopped),
  },
];

function judgeForm(call: Call): Finding {
  const { raw, conclusion } = call;
  if (raw.ended === 'time-out') return fail('it hung until it was killed', call);
  if (!raw.succeeded) return passByFailing('it fails, so CloudStack asks status of each');
  if (conclusion.powers === undefined) {
    const said = saysFailure(raw.text);
    return fail(`${said ?? conclusion.verdict}, but the exit code is 0`, call);
  }
  const [odd] = conclusion.doubts;
  return odd === undefined ? pass('it answers') : fail(odd, call);
}

function judgeRunning(status: Call, statuses: Call): Finding {
  if (statuses.raw.ended === 'time-out')
    return fail('it hung until it was killed, and with it the ping of the host', statuses);
  const { powers } = statuses.conclusion;
  if (powers === undefined) return passByFailing('CloudStack asks status of each instance');
  const { power } = status.conclusion;
  const listed = listedIn(statuses, status);
  if (listed === undefined) return fail('the instance is missing', statuses);
  if (listed === 'PowerUnknown') return pass('it says unknown, which changes nothing');
  if (power === 'PowerUnknown') return skipped('status did not say PowerOn');
  return listed === power ? pass('it does') : fail(`it says ${listed}, status ${power}`, statuses);
}

function judgeStopped(stop: Call, status: Call, statuses: Call): Finding {
  if (!stop.raw.succeeded) return skipped('stop failed');
  if (statuses.conclusion.powers === undefined)
    return passByFailing('CloudStack asks status of each instance');
  const listed = listedIn(statuses, status);
  return listed === 'PowerOn'
    ? fail('it says PowerOn, so CloudStack shows the instance Running again', statuses)
    : pass('it does not');
}

function listedIn(statuses: Call, of: Call): string | undefined {
  return statuses.conclusion.powers?.[String(of.payload?.['virtualmachinename'])];
}
