import { type Finding, fail, pass, type Rule, skipped, withCalls } from './rule.ts';
import { type Call, callOf, type Transcript } from './transcript.ts';

/** Instances that pretend to be another one: nothing may happen to that one. */
export const ownershipRules: readonly Rule[] = [
  {
    id: 'namesake-status',
    level: 'must',
    about:
      'status of an instance of the same name and another UUID, as another CloudStack has, claims neither on nor off',
    judge: withCalls(['status after create again', 'status of a namesake'], (usual, namesake) => {
      if (usual.conclusion.power !== 'PowerOn') return skipped('status did not say PowerOn before');
      const { power } = namesake.conclusion;
      if (power !== 'PowerOn' && power !== 'PowerOff') return pass('it claims neither');
      return fail(`it says ${power}, the state of the other instance`, namesake);
    }),
  },
  untouched(
    'namesake-untouched',
    'stop and delete of an instance of the same name and another UUID leave this one alone',
    'a namesake',
  ),
  untouched(
    'details-untouched',
    'stop and delete of an instance into whose details a tenant has written those of another one leave that one alone',
    'a borrower',
  ),
];

function untouched(id: string, about: string, impostor: string): Rule {
  const judge = (action: 'stop' | 'delete'): ((transcript: Transcript) => Finding) =>
    withCalls([`${action} of ${impostor}`, `status after ${action} of ${impostor}`], touched);
  return {
    id,
    level: 'must',
    about,
    judge(transcript) {
      const usual = callOf(transcript, 'status after create again');
      if (usual !== undefined && usual.conclusion.power !== 'PowerOn')
        return skipped('status did not say PowerOn before');
      const stop = judge('stop')(transcript);
      return stop.state === 'pass' ? judge('delete')(transcript) : stop;
    },
  };
}

function touched(change: Call, status: Call): Finding {
  const { power } = status.conclusion;
  if (power === 'PowerOn') return pass('the instance runs on');
  return fail(`after that ${change.action}, status of the instance says ${power}`, status);
}
