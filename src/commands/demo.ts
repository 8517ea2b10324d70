import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callAsCloudStack } from './as-cloudstack/call.ts';
import { type Conclusion, conclude } from './as-cloudstack/conclude.ts';
import { concludeNetwork, type NetworkConclusion } from './as-cloudstack/network.ts';
import type { Raw } from './as-cloudstack/raw.ts';
import type { Command, CommandWorld } from './command.ts';
import { sampleInstance, withPrepared } from './conform/sample-instance.ts';
import { payloadOf, type Scene } from './demo/payloads.ts';
import { type Step, steps } from './demo/steps.ts';
import { describeConclusion, duration, howItEnded } from './describe.ts';
import { wrapped } from './table.ts';
import { withTempDir } from './temp-dir.ts';
import { type Paint, paintFor, visibleLines } from './terminal.ts';

export const demo: Command = {
  usage: '',
  options: {
    driver: { type: 'string', value: 'PATH', about: 'Play against this driver in any language' },
    settings: {
      type: 'string',
      value: 'FILE',
      about: 'For --driver: JSON with "settings" and "blueprint"',
    },
  },
  positionals: { min: 0, max: 0 },
  exitCodes: {
    0: 'every call ended as CloudStack needs it',
    1: 'a call ended otherwise',
    2: 'wrong usage',
  },
  more: `
Acts as CloudStack for one instance on the simulator and its network, from prepare to the end of
both, with this very file as the extension of either type. Machines and networks of the simulator
are files; these lie in a temporary directory, which is removed at the end.

  outrigger demo --driver ./mysystem --settings mysystem.json

plays the instance against a driver, which really makes and removes a machine.`,
  run: (call) =>
    withTempDir(async (directory) => {
      const { json, world } = call;
      const path = call.text('driver');
      const cast: Cast =
        path === undefined
          ? { steps }
          : await (await import('./driver/demo.ts')).castFor(path, directory, call, steps);
      const where = path === undefined ? 'on the simulator' : `through ${path}`;
      const narrate = json ? () => {} : narrator(world, where);
      const done = await play(directory, world, cast, narrate);
      const failed = done.filter(({ asExpected }) => !asExpected);
      if (json) world.out(JSON.stringify({ steps: done }, undefined, 2));
      else world.out(closing(done, paintFor(world)));
      return failed.length === 0 ? 0 : 1;
    }),
};

/** The steps that are played; for a driver with its details and its part of the configuration. */
interface Cast {
  readonly steps: readonly Step[];
  readonly details?: Scene['details'];
  readonly drivers?: object;
}

interface Done {
  readonly action: string;
  readonly run: Raw;
  readonly conclusion: Conclusion;
  readonly asExpected: boolean;
}

/** A network command is always told 60, which nothing keeps CloudStack to. */
function secondsFor({ half }: Step): number {
  return half === 'network' ? 60 : 30;
}

type Narrate = (step: Step, done: Done, at: number) => void;

async function play(
  directory: string,
  world: CommandWorld,
  cast: Cast,
  narrate: Narrate,
): Promise<Done[]> {
  const env = sheltered(directory, world, cast.drivers);
  let scene: Scene = { instance: sampleInstance(1), details: cast.details };
  const done: Done[] = [];
  for (const [at, step] of cast.steps.entries()) {
    const payload = payloadOf(step, scene);
    const call = {
      executable: world.self,
      action: step.action,
      payload,
      timeoutSeconds: secondsFor(step),
      env,
    };
    const run = await callAsCloudStack(call);
    const conclusion =
      step.half === 'network'
        ? concludeNetwork(step.action, run)
        : conclude(step.action, run, payload);
    const ended = { action: step.action, run, conclusion };
    const readable = conclusion.unreadable === undefined;
    const one = { ...ended, asExpected: readable && conclusion.success !== (step.fails === true) };
    narrate(step, one, at);
    done.push(one);
    scene = after(scene, conclusion);
  }
  return done;
}

/** CloudStack remembers what prepare and implement-network answer. */
function after(scene: Scene, conclusion: NetworkConclusion): Scene {
  const { prepared, broadcast } = conclusion;
  return {
    ...scene,
    ...(prepared === undefined ? {} : { instance: withPrepared(scene.instance, prepared) }),
    ...(broadcast === undefined ? {} : { uri: broadcast.uri }),
  };
}

/** Everything that the calls write lands in the directory; nothing of this machine is read. */
function sheltered(
  directory: string,
  { env }: CommandWorld,
  drivers: object = {},
): CommandWorld['env'] {
  const config = join(directory, 'config.json');
  const state = { state_directory: join(directory, 'state'), log: { enabled: false }, drivers };
  writeFileSync(config, JSON.stringify(state));
  return { PATH: env['PATH'], HOME: directory, OUTRIGGER_CONFIG: config };
}

function narrator(world: CommandWorld, where: string): Narrate {
  const paint = paintFor(world);
  world.out(`This file is now called as CloudStack would call it, for one instance ${where}.`);
  return (step, { run, conclusion }, at) => {
    world.out('');
    world.out(paint.bold(`${at + 1}. ${step.action}: ${step.why}`));
    world.out(paint.dim(`   $ outrigger ${step.action} <payload> ${secondsFor(step)}`));
    for (const line of answerLines(run)) world.out(`   ${line}`);
    world.out(paint.dim(`   [${howItEnded(run)}, ${duration(run.durationMs)}]`));
    for (const line of describeConclusion(conclusion, paint)) world.out(`   ${line}`);
  };
}

function answerLines({ output }: Raw): string[] {
  if (output === '') return ['(nothing)'];
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
