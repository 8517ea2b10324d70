import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isNetworkPayload } from '../cloudstack/network/call.ts';
import { Failure, sentence } from '../failure.ts';
import { readSeconds } from './arguments.ts';
import { callAsCloudStack } from './as-cloudstack/call.ts';
import { type Conclusion, conclude } from './as-cloudstack/conclude.ts';
import { concludeNetwork } from './as-cloudstack/network.ts';
import type { Raw } from './as-cloudstack/raw.ts';
import { defaultTimeout } from './as-cloudstack/time-outs.ts';
import type { Command, CommandWorld } from './command.ts';
import { describeConclusion, describeRun } from './describe.ts';
import { isMembers, type Members } from './json.ts';
import { paintFor } from './terminal.ts';

export const invoke: Command = {
  usage: '<executable> <action> <payload>',
  options: {
    timeout: {
      type: 'string',
      value: 'SECONDS',
      about: 'Argument 3 and when SIGKILL comes; default as in CloudStack',
    },
  },
  positionals: { min: 3, max: 3 },
  exitCodes: {
    0: 'CloudStack would count it as a success (status: it learnt a state)',
    1: 'CloudStack would count it as a failure',
    2: 'wrong usage',
  },
  more: `
The executable gets three arguments, an open and silent standard input, and one pipe
for standard output and error that is read when it has ended: 64 KiB is all that fits.
It runs in the current directory, as you. At the time-out it is killed with SIGKILL; its
children are not.

Time-outs without --timeout: 1800 s, for custom actions 3 s, for network commands 60 s. The
payload tells a network command from an action.

  outrigger invoke ./my-extension status payload.json
  outrigger invoke ./my-extension ListSnapshots payload.json --timeout 30 --json`,
  async run({ positionals, text, json, world }) {
    const [executable = '', action = '', file = ''] = positionals;
    const given = text('timeout');
    const payload = resolve(file);
    // Read before the call, since an extension may delete what it has read.
    const instance = await readPayload(payload);
    const usual = timeoutFor(action, instance);
    const timeoutSeconds = given === undefined ? usual.seconds : readSeconds('--timeout', given);
    const call = { executable: resolve(executable), action, payload, timeoutSeconds };
    if (world.terminal && !json) world.err(`Waiting for it, ${timeoutSeconds} s at most ...`);
    const raw = await callAsCloudStack({ ...call, env: world.env });
    const conclusion = isForNetwork(instance)
      ? concludeNetwork(action, raw)
      : conclude(action, raw, instance);
    if (json) world.out(JSON.stringify({ run: raw, conclusion }, undefined, 2));
    else
      for (const line of readable(
        raw,
        conclusion,
        given === undefined ? usual : undefined,
        world,
      )) {
        world.out(line);
      }
    return conclusion.success ? 0 : 1;
  },
};

type Usual = ReturnType<typeof defaultTimeout>;

function isForNetwork(payload: Members | undefined): boolean {
  return payload !== undefined && isNetworkPayload(payload);
}

function timeoutFor(action: string, payload: Members | undefined): Usual {
  if (!isForNetwork(payload)) return defaultTimeout(action);
  return { seconds: 60, why: 'CloudStack says so and waits for ever; it kills nothing' };
}

/** An unreadable or broken payload is passed on: how the executable copes may be the question. */
async function readPayload(path: string): Promise<Members | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isMembers(value) ? value : undefined;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EISDIR') {
      throw new Failure('usage', `${path} is a directory, not a payload file`);
    }
    return undefined;
  }
}

function readable(
  raw: Raw,
  conclusion: Conclusion,
  usual: Usual | undefined,
  world: CommandWorld,
): string[] {
  const paint = paintFor(world);
  const note = usual === undefined ? [] : [`Time-out ${usual.seconds} s: ${sentence(usual.why)}`];
  return [
    ...describeRun(raw, paint),
    ...note.map(paint.dim),
    '',
    ...describeConclusion(conclusion, paint),
  ];
}
