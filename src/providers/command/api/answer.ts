import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import { Failure } from '../../../failure.ts';
import { issueWords } from '../../../kit/issue-words.ts';
import { parseJson } from '../../../kit/json.ts';
import { error } from '../protocol/failure.ts';
import { type AnswerTo, type PrimitiveName, primitives } from '../protocol/primitives.ts';
import { protocolVersion } from '../protocol/values.ts';
import { broken, saidFailure } from './failures.ts';
import type { Ended } from './process.ts';

/** The answer of a driver through the schema of its primitive, or the failure that it amounts to. */
export function readAnswer<Name extends PrimitiveName>(
  name: Name,
  attempt: string,
  ended: Pick<Ended, 'stdout' | 'stderr' | 'exitCode'>,
): AnswerTo<Name> {
  const { exitCode } = ended;
  const { protocol, ...said } = documentIn(attempt, ended);
  if (protocol !== protocolVersion) throw otherVersion(attempt, protocol);
  if (exitCode === 0 && said['error'] === undefined) return checked(name, attempt, said);
  const result = v.safeParse(v.strictObject({ error: error() }), said);
  if (exitCode === 0) {
    throw broken(attempt, 'the driver answered an error with exit code 0, which means success');
  }
  if (result.success) throw saidFailure(attempt, result.output.error);
  throw broken(
    attempt,
    `the driver ended with exit code ${exitCode}, and its answer is no error: ${issueWords(result.issues)}`,
  );
}

function checked<Name extends PrimitiveName>(
  name: Name,
  attempt: string,
  said: Readonly<Record<string, unknown>>,
): AnswerTo<Name> {
  const result = v.safeParse(v.strictObject(primitives[name].answer()), said);
  if (result.success) return result.output as AnswerTo<Name>;
  const { length } = result.issues;
  const more = length > mostNamed ? `; and ${length - mostNamed} more` : '';
  throw broken(
    attempt,
    `the driver's answer is not as \`outrigger driver schema ${name}\` says: ${issueWords(result.issues.slice(0, mostNamed))}${more}`,
  );
}

const mostNamed = 20;

function documentIn(
  attempt: string,
  { stdout, stderr, exitCode }: Pick<Ended, 'stdout' | 'stderr' | 'exitCode'>,
): Readonly<Record<string, unknown>> {
  const last = stderr.toString('utf8').trim().split('\n').pop() ?? '';
  const words = last === '' ? '' : `, and on standard error: ${last.slice(0, 200)}`;
  const code = exitCode === 0 ? '' : ` (exit code ${exitCode}${words})`;
  if (stdout.length === 0) throw broken(attempt, `the driver printed nothing${code}`);
  if (!isUtf8(stdout))
    throw broken(attempt, `the driver printed something that is not UTF-8${code}`);
  const json = parseJson(stdout.toString('utf8'));
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw broken(
    attempt,
    `the driver did not print one JSON object${code}`,
    'Standard output is for the answer alone: print everything else on standard error',
  );
}

function otherVersion(attempt: string, protocol: unknown): Failure {
  const said =
    protocol === undefined
      ? 'does not name the protocol'
      : `speaks protocol ${JSON.stringify(protocol).slice(0, 40)}`;
  return new Failure('config', `${attempt}: the driver ${said}, and this Outrigger speaks 1`, {
    advice: 'Every answer has "protocol": 1; a later one needs a newer Outrigger',
    remote: { sent: 'maybe' },
  });
}
