import { Failure } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';

/** The three arguments of CloudStack's command line. */
export interface Arguments {
  readonly action: string;
  readonly payloadFile: string;
  readonly timeoutSeconds: number;
}

/** CloudStack stores the time-out as milliseconds in 32 bits. */
const mostSeconds = 2_147_483;

/**
 * The three arguments, or one failure that names every mistake in them.
 *
 * `words` are the operator's commands; the failure suggests the one that is near.
 */
export function readArguments(argv: readonly string[], words: readonly string[] = []): Arguments {
  if (argv.length !== 3) {
    const near = nearest(argv[0] ?? '', words);
    const hint = near === undefined ? [] : [`did you mean \`outrigger ${near}\`?`];
    throw usage([`it has ${argv.length} of 3 arguments`, ...hint]);
  }
  const [action = '', payloadFile = '', timeout = ''] = argv;
  const issues = [
    ...(/^[A-Za-z0-9 ._-]{1,255}$/.test(action) ? [] : ['the action is not a valid name']),
    ...(payloadFile === '' || payloadFile.includes('\0')
      ? ['the payload file is not a valid path']
      : []),
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
  return new Failure('usage', `The command line is invalid: ${issues.join('; ')}`, {
    advice: 'Expected: outrigger <action> <payload file> <timeout seconds>; try `outrigger help`',
  });
}
