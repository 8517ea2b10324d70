import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from './scene.mjs';

/*
 * Counts the instructions that a call executes in user space, which no other process can disturb.
 * V8 draws one seed for its hash tables in each process, and `node -e 0` alone differs by a tenth with
 * it. So every program runs with the same seeds, one after the other; V8 keeps its snapshot and its
 * code cache with `--random-seed`, other than with `--hash-seed`.
 */

/**
 * Callgrind takes fifty times as long, and a status may take eight seconds. So the clock that calls
 * are timed by stands still, for `node -e 0` as well.
 */
const stopClock =
  'process.uptime=()=>0;{const t=setTimeout;setTimeout=(f,ms,...a)=>t(f,ms*99,...a)}';

/** The steps of the stage, each with its median over the seeds in millions and as ratios. */
export async function countInstructions(stage, { scene, node, rounds }) {
  const seeds = Array.from({ length: rounds }, (_, at) => at + 1);
  const { node: own, path } = environment(node, scene);
  const env = { PATH: path, HOME: join(stage.folder, 'home') };
  const log = join(stage.folder, 'callgrind.log');
  const floors = seeds.map(
    (seed) => countOf([own, '-e', `${stopClock}0`], { seed, env, log }).count,
  );
  const results = [];
  let reference;
  for (const [at, step] of stage.steps.entries()) {
    const runs = [];
    for (const seed of step.preparation ? [undefined] : seeds) {
      const { payload } = await stage.begin(at);
      const command = commandOf(step, { scene, node: own, payload });
      const run = countOf(command, { seed, env, log });
      runs.push({ ...run, ...(await stage.end(at, run.exit === 0 ? run.output : '')) });
    }
    if (step.reference) reference = runs;
    if (!step.preparation || runs[0].exit !== 0) {
      results.push({ step, runs, figures: figuresOf(runs, floors, reference) });
    }
  }
  return { floor: median(floors) / 1e6, results };
}

function figuresOf(runs, floors, reference) {
  const ratio = (of) => median(runs.map(({ count }, at) => count / of(at)));
  return {
    millions: median(runs.map(({ count }) => count)) / 1e6,
    above: median(runs.map(({ count }, at) => count - floors[at])) / 1e6,
    instructions: ratio((at) => floors[at]),
    instructionsOfReference: reference && ratio((at) => reference[at].count),
    requests: Math.max(...runs.map(({ requests }) => requests)),
  };
}

/** What the kernel and `env` make of the file's line 1, as a command line that begins with Node. */
export function commandOf({ action, program = 'outrigger' }, { scene, node, payload }) {
  if (typeof program === 'object') return [node, '-e', `${stopClock}${program.script}`];
  const file = scene.file(program);
  const line1 = readFileSync(file, 'utf8').split('\n', 1)[0];
  const code = /^#!\S+ -S(?:\S+= )+node -e (\S+)$/.exec(line1)?.[1];
  if (code === undefined) throw new Error(`line 1 of ${file} does not run node -e: ${line1}`);
  return [node, '-e', `${stopClock}${code}`, file, action, payload, '60'];
}

/** One run of Node; without a seed it is not counted. */
function countOf([node, ...args], { seed, env, log }) {
  const counted = ['--tool=callgrind', '--callgrind-out-file=/dev/null', `--log-file=${log}`];
  const [command, ...rest] =
    seed === undefined
      ? [node, ...args]
      : ['valgrind', ...counted, node, `--random-seed=${seed}`, ...args];
  const ended = spawnSync(command, rest, { env, encoding: 'utf8', timeout: 300_000 });
  if (ended.error?.code === 'ENOENT') throw new Error('valgrind is needed to count instructions');
  const output = `${ended.stdout}${ended.stderr}`;
  if (seed === undefined) return { exit: ended.status, output };
  const count = /Collected : (\d+)/.exec(readFileSync(log, 'utf8'))?.[1];
  if (count === undefined) throw new Error(`callgrind counted nothing of ${args.join(' ')}`);
  return { exit: ended.status, output, count: Number(count) };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
