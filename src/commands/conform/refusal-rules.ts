import { type Finding, fail, pass, passByFailing, type Rule, withCalls } from './rule.ts';
import type { Call } from './transcript.ts';

/** The file itself, and what has to be refused before anything is touched. */
export const refusalRules: readonly Rule[] = [
  {
    id: 'entry-point',
    level: 'must',
    about: 'The entry point is a regular, readable, executable file',
    judge: ({ entryProblem }) =>
      entryProblem === undefined ? pass('it is') : fail(`CloudStack refuses it: ${entryProblem}`),
  },
  {
    id: 'starts',
    level: 'must',
    about: 'It starts: the interpreter of its first line is there',
    judge: withCalls(['unknown action'], (first) => {
      if (first.raw.ended === 'not-started') return fail(first.raw.notes.join('; '), first);
      return first.raw.exitCode === 127
        ? fail('the shell found no such command', first)
        : pass('it does');
    }),
  },
  {
    id: 'ignores-input',
    level: 'must',
    about: 'It does not read standard input, which stays empty and open',
    judge: (transcript) => {
      const whenEmpty = transcript.calls.find(
        ({ step }) => step === 'unknown action without input',
      );
      return withCalls(['unknown action'], (first) => {
        if (first.raw.ended !== 'time-out') return pass('it answered without any');
        return whenEmpty?.raw.ended === 'exit'
          ? fail(
              'it hung with standard input open and silent, and answered with an empty one',
              first,
            )
          : fail('it hung, with standard input open and silent and with an empty one alike', first);
      })(transcript);
    },
  },
  refusal(
    'unknown-action',
    'An action it does not know ends with another exit code than 0',
    'unknown action',
  ),
  refusal(
    'class-name-action',
    'A command CloudStack has no word for, with one key in its payload, is refused within 5 s',
    'class name',
  ),
  refusal('payload-missing', 'A payload file that is missing is a failure', 'payload missing'),
  refusal('payload-empty', 'An empty payload file is a failure', 'payload empty'),
  refusal('payload-not-json', 'A payload that is not JSON is a failure', 'payload not JSON'),
  refusal('payload-list', 'A payload that is a list is a failure', 'payload a list'),
  refusal(
    'unknown-custom-action',
    'A custom action it does not know is a failure',
    'unknown custom action',
  ),
];

function refusal(id: string, about: string, step: string): Rule {
  return { id, level: 'must', about, judge: withCalls([step], refused) };
}

function refused(call: Call): Finding {
  if (call.raw.ended === 'time-out') return fail('it hung until it was killed', call);
  return call.raw.succeeded
    ? fail('it ended with exit code 0, which CloudStack takes for success', call)
    : passByFailing(`exit code ${call.raw.exitCode}`);
}
