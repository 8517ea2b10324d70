import { Failure } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';

/** What CloudStack puts on the command line. */
export interface Arguments {
  readonly action: string;
  readonly payloadFile: string;
  readonly timeoutSeconds: number;
}

/** CloudStack keeps the time-out in milliseconds in 32 bits. */
const mostSeconds = 2_147_483;

/**
 * The three arguments, or one failure that names everything that is wrong with them.
 *
 * `words` are the operator's commands, one of which may have been meant.
 */
export function readArguments(argv: readonly string[], words: readonly string[] = []): Arguments {
  if (argv.length !== 3) {
    const near = nearest(argv[0] ?? '', words);
    const hint = near === undefined ? [] : [`did you mean \`outrigger ${near}\`?`];
    throw usage([`it has ${argv.length} of 3 arguments`, ...hint]);
  }
  const [action = '', payloadFile = '', timeout = ''] = argv;
  const issues = [
    ...(/^[A-Za-z0-9 ._-]{1,255}$/.test(action) ? [] : ['the action is no name of an action']),
    ...(payloadFile === '' || payloadFile.includes('\0') ? ['the payload file has no name'] : []),
    ...timeoutIssues(timeout),
  ];
  if (issues.length > 0) throw usage(issues);
  return { action, payloadFile, timeoutSeconds: Number(timeout) };
}

function timeoutIssues(timeout: string): string[] {
  const wants = `the time-out must be a whole number of seconds from 1 to ${mostSeconds}`;
  if (!/^\d{1,10}$/.test(timeout)) return [`${wants}, not ${JSON.stringify(timeout.slice(0, 40))}`];
  return Number(timeout) >= 1 && Number(timeout) <= mostSeconds ? [] : [`${wants}, not ${timeout}`];
}

function usage(issues: readonly string[]): Failure {
  return new Failure('usage', `The command line is not one of CloudStack's: ${issues.join('; ')}`, {
    advice: 'Expected: outrigger <action> <payload file> <timeout seconds>; try `outrigger help`',
  });
}
