import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callAsCloudStack } from './as-cloudstack/call.ts';
import { type Conclusion, conclude } from './as-cloudstack/conclude.ts';
import type { Raw } from './as-cloudstack/raw.ts';
import type { Command, CommandWorld } from './command.ts';
import { customPayload, type Details, payloadFor, statusesPayload } from './conform/payloads.ts';
import { type SampleInstance, sampleInstance, withPrepared } from './conform/sample-instance.ts';
import { describeConclusion, duration, howItEnded } from './describe.ts';
import type { Members } from './json.ts';
import { wrapped } from './table.ts';
import { withTempDir } from './temp-dir.ts';
import { type Paint, paintFor, visibleLines } from './terminal.ts';

/** One call of the demonstration. */
interface Step {
  readonly action: string;
  readonly why: string;
  /** Custom actions only. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Expected to fail: the machine is gone. */
  readonly fails?: boolean;
}

// A letter beyond ASCII shows that the answer keeps it as it is.
const snapshot = { snap_name: 'before-upgrade', snap_description: 'Grün, made by the demo' };

const steps: readonly Step[] = [
  { action: 'prepare', why: 'A user deploys an instance. CloudStack first asks what to remember.' },
  { action: 'create', why: 'Networks are ready: the machine is made and started.' },
  { action: 'status', why: 'Every minute CloudStack asks whether it runs.' },
  { action: 'statuses', why: 'Newer versions ask for all instances of a host at once.' },
  { action: 'getconsole', why: 'The user opens the console.' },
  { action: 'CreateSnapshot', why: 'The user runs a custom action.', parameters: snapshot },
  { action: 'ListSnapshots', why: 'Another one, whose answer is a table.', parameters: {} },
  { action: 'stop', why: 'The user stops the instance.' },
  { action: 'status', why: 'It is off.' },
  { action: 'start', why: 'The user starts it again: NICs and size are brought up to date.' },
  { action: 'reboot', why: 'The user reboots it.' },
  { action: 'stop', why: 'The user destroys it, so CloudStack stops it first.' },
  { action: 'delete', why: 'The machine is removed.' },
  { action: 'status', why: 'A machine that is gone is an error, never "off".', fails: true },
];

const details: Details = {
  extension: { provider: 'simulator', installation: 'demo' },
  resourcemap: {},
  host: { assign_macs: 'true', console_url: 'https://console.example.org/{uuid}' },
  virtualmachine: { template_id: 'debian-12', disk_size_gb: '20' },
};

export const demo: Command = {
  usage: '',
  options: {},
  positionals: { min: 0, max: 0 },
  exitCodes: {
    0: 'every call ended as CloudStack needs it',
    1: 'a call ended otherwise',
    2: 'wrong usage',
  },
  more: `
Acts as CloudStack for one instance on the simulator, from prepare to delete, with this very file
as the extension. Machines of the simulator are files; these lie in a temporary directory, which
is removed at the end.`,
  run: ({ json, world }) =>
    withTempDir(async (directory) => {
      const done = await play(directory, world, json ? () => {} : narrator(world));
      const failed = done.filter(({ asExpected }) => !asExpected);
      if (json) world.out(JSON.stringify({ steps: done }, undefined, 2));
      else world.out(closing(done, paintFor(world)));
      return failed.length === 0 ? 0 : 1;
    }),
};

interface Done {
  readonly action: string;
  readonly run: Raw;
  readonly conclusion: Conclusion;
  readonly asExpected: boolean;
}

type Narrate = (step: Step, done: Done, at: number) => void;

async function play(directory: string, world: CommandWorld, narrate: Narrate): Promise<Done[]> {
  const env = sheltered(directory, world);
  let instance = sampleInstance(1);
  const done: Done[] = [];
  for (const [at, step] of steps.entries()) {
    const payload = payloadOf(step, instance);
    const call = { executable: world.self, action: step.action, payload, timeoutSeconds: 30, env };
    const run = await callAsCloudStack(call);
    const conclusion = conclude(step.action, run, payload);
    const ended = { action: step.action, run, conclusion };
    const readable = conclusion.unreadable === undefined;
    const one = { ...ended, asExpected: readable && conclusion.success !== (step.fails === true) };
    narrate(step, one, at);
    done.push(one);
    if (conclusion.prepared !== undefined) instance = withPrepared(instance, conclusion.prepared);
  }
  return done;
}

/** Everything that the calls write lands in the directory; nothing of this machine is read. */
function sheltered(directory: string, { env }: CommandWorld): CommandWorld['env'] {
  const config = join(directory, 'config.json');
  const state = { state_directory: join(directory, 'state'), log: { enabled: false } };
  writeFileSync(config, JSON.stringify(state));
  return { PATH: env['PATH'], HOME: directory, OUTRIGGER_CONFIG: config };
}

function payloadOf({ action, parameters }: Step, instance: SampleInstance): Members {
  if (action === 'statuses') return statusesPayload(details);
  if (parameters !== undefined) return customPayload(action, instance, details, parameters);
  return payloadFor(action, instance, details);
}

function narrator(world: CommandWorld): Narrate {
  const paint = paintFor(world);
  world.out(
    'This file is now called as CloudStack would call it, for one instance on the simulator.',
  );
  return (step, { run, conclusion }, at) => {
    world.out('');
    world.out(paint.bold(`${at + 1}. ${step.action}: ${step.why}`));
    world.out(paint.dim(`   $ outrigger ${step.action} <payload> 30`));
    for (const line of answerLines(run)) world.out(`   ${line}`);
    world.out(paint.dim(`   [${howItEnded(run)}, ${duration(run.durationMs)}]`));
    for (const line of describeConclusion(conclusion, paint)) world.out(`   ${line}`);
  };
}

function answerLines({ output }: Raw): string[] {
  return visibleLines(output.trim()).flatMap((line) => wrapped(line, 100));
}

function closing(done: readonly Done[], paint: Paint): string {
  const failed = done.filter(({ asExpected }) => !asExpected).map(({ action }) => action);
  const total = duration(done.reduce((sum, { run }) => sum + run.durationMs, 0));
  if (failed.length > 0) return paint.red(`\nNot as CloudStack needs it: ${failed.join(', ')}.`);
  return paint.green(
    `\n${done.length} calls in ${total}, all as CloudStack needs them. Nothing is left behind.`,
  );
}
