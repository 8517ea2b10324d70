import { type Finding, fail, pass, passByFailing, type Rule, skipped, withCalls } from './rule.ts';
import type { Call, Transcript } from './transcript.ts';

/** The way to the remote system: its certificate, its absence, and the secrets on the way. */
export const connectionRules: readonly Rule[] = [
  {
    id: 'arguments',
    level: 'must',
    about: 'No secret is an argument of a program, where every user of the machine can read it',
    judge: noSecretInArguments,
  },
  {
    id: 'certificate',
    level: 'must',
    about: 'Nothing is sent to a server whose certificate nothing vouches for',
    judge: (transcript) =>
      withCalls(['status at a stranger'], (status) => judgeVisit(status, transcript))(transcript),
  },
  {
    id: 'out-of-reach',
    level: 'must',
    about: 'While the remote system is out of reach no state is claimed, and stop and delete fail',
    judge: withCalls(
      ['status out of reach', 'statuses out of reach', 'stop out of reach', 'delete out of reach'],
      judgeOutage,
    ),
  },
];

function noSecretInArguments({ calls, entryProblem }: Transcript): Finding {
  if (entryProblem !== undefined) return skipped(`not tried: ${entryProblem}`);
  const watched = calls.filter(({ exposed }) => exposed !== undefined);
  if (watched.length === 0) return skipped('there is no /proc in which processes can be watched');
  const offences = watched.filter(({ exposed = [] }) => exposed.length > 0);
  const [first] = offences;
  if (first === undefined) return pass(`so in all of ${watched.length} calls`);
  const exposed = first.exposed?.[0];
  const reason = `"${exposed?.program}" was started with the ${exposed?.where}`;
  return fail(`${reason} (in ${offences.length} of ${watched.length} calls)`, first);
}

function judgeVisit(status: Call, { stranger }: Transcript): Finding {
  if (stranger === undefined || stranger.connections === 0)
    return skipped('it did not connect to the address that it was given instead');
  const [request] = stranger.requests;
  if (request === undefined) return passByFailing('it broke the connection off');
  const [secret] = stranger.secrets;
  const along = secret === undefined ? '' : ` with the ${secret}`;
  return fail(`it sent ${request}${along} to a server that signed its certificate itself`, status);
}

function judgeOutage(status: Call, statuses: Call, ...changes: readonly Call[]): Finding {
  const { power } = status.conclusion;
  if (power === 'PowerOn' || power === 'PowerOff') return fail(`status says ${power}`, status);
  if (statuses.conclusion.powers !== undefined)
    return fail('statuses succeeds, and instances that it leaves out become Stopped', statuses);
  const done = changes.find(({ raw }) => raw.succeeded);
  return done === undefined
    ? passByFailing('they fail')
    : fail(`${done.action} succeeds, so CloudStack believes that it is done`, done);
}
