import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { countInstructions } from './callgrind.mjs';
import { loadedBytes } from './loaded.mjs';
import { runPair, startMeter, summarize } from './measure.mjs';
import {
  heading,
  judge,
  markdownNumbers,
  markdownOthers,
  replaceSection,
  textLine,
} from './report.mjs';
import { instructionTable, judgeCounts, loadedTable } from './report-instructions.mjs';
import { environment, hasStage, openStage, setUp } from './scene.mjs';

/*
 * What a call costs beside `node -e 0` on the same Node: CPU and wall time, peak memory, and what
 * goes over the wire. The environment is clean, since NODE_EXTRA_CA_CERTS alone would double the
 * start of Node 18 and 20.
 */

const page = 'docs/performance.md';

/** Stages on a genuine daemon, which only root can start: they run when they are named. */
const genuine = ['incus'];

const usage = `npm run bench -- [--only STAGE]... [--node PATH]... [--rounds N] [--strict] [--markdown]

  --only STAGE  floor, instructions or the name of a provider; may be given several times
  --node PATH   measure this Node as well; may be given several times
  --rounds N    how often everything runs (4); what is asked most runs several times in each
  --strict      exit 1 when a bar is missed
  --markdown    write the tables of ${page}; with --only, for a stage on a genuine daemon alone (${genuine.join(', ')})

Needs python3 (3.9 or newer), for what a process costs is told only to its parent by wait4, and
valgrind, which counts instructions.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    node: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '4' },
    strict: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '../../..'));
if (values.help) print(usage);
else process.exitCode = await benchmark();

async function benchmark() {
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds has to be a number');
  if (values.markdown && values.only.some((name) => !genuine.includes(name))) {
    throw new Error('--markdown needs all stages');
  }
  const scene = await setUp();
  const meter = startMeter();
  try {
    const names = chosen(['floor', ...scene.providers.filter(hasStage), 'instructions']);
    const begun = loadavg()[0];
    const results = [];
    for (const node of [process.execPath, ...values.node.map((path) => resolve(path))]) {
      results.push(await benchmarkNode(node, { scene, meter, names, rounds }));
    }
    const load = [begun, loadavg()[0]].map((value) => value.toFixed(1));
    print(`\nLoad of the machine from ${load[0]} to ${load[1]}`);
    if (values.markdown) writePage(scene, results[0], { rounds, load });
    const failed = results.some(({ failures }) => failures > 0);
    const missed = results.some(({ misses }) => misses > 0);
    return failed || (values.strict && missed) ? 1 : 0;
  } finally {
    meter.close();
    scene.close();
  }
}

function chosen(names) {
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`no stage ${unknown}; there are ${names.join(', ')}`);
  if (values.only.length > 0) return values.only;
  return names.filter((name) => !genuine.includes(name));
}

async function benchmarkNode(node, { scene, meter, names, rounds }) {
  const { version, upstream } = facts(node);
  const barred = upstream && version.startsWith('v20.');
  const build = upstream ? 'nodejs.org build' : 'built without snapshot and code cache';
  print(`\nNode ${version} (${build})${barred ? '' : ': no bars for CPU and memory'}`);
  const result = { version, build, stages: [], misses: 0, failures: 0 };
  for (const name of names) {
    print(`\n${name}, ${rounds} rounds`);
    const stage = await openStage(scene, name);
    try {
      if (name === 'instructions') {
        await countStage(stage, { scene, node, rounds, barred, result });
        continue;
      }
      const samples = await playRounds(stage, { scene, meter, node, rounds });
      const lines = stage.steps.map((step, at) => lineOf(step, samples[at], barred));
      print(heading());
      for (const line of lines) print(textLine(line));
      result.stages.push({ name, lines });
      result.misses += lines.filter(({ misses }) => misses.length > 0).length;
      result.failures += lines.filter(({ failed }) => failed).length;
    } finally {
      stage.close();
    }
  }
  return result;
}

/** The stage whose calls are counted by callgrind, and what code each of them evaluates. */
async function countStage(stage, { scene, node, rounds, barred, result }) {
  const { floor, results } = await countInstructions(stage, { scene, node, rounds });
  const lines = judgeCounts(results, { barred });
  const counted = instructionTable({ floor, lines });
  const calls = await loadedBytes(stage, { scene, node });
  print(`${counted}\n\n${loadedTable(calls)}`);
  for (const { name, wrong } of lines) if (wrong) print(`${name} ended wrongly: ${wrong}`);
  // The sources of every part would be longer than the rest of the page.
  const short = calls.map((call) => ({ ...call, sources: [] }));
  result.instructions = `${counted}\n\n${loadedTable(short)}`;
  result.misses += lines.filter(({ misses }) => misses.length > 0).length;
  result.failures += lines.filter(({ wrong }) => wrong !== undefined).length;
}

/** Plays the steps in their order, round by round, and answers the samples of each. */
async function playRounds(stage, { scene, meter, node, rounds }) {
  const { node: own, path } = environment(node, scene);
  const samples = stage.steps.map(() => []);
  for (let count = 0; count < rounds; count += 1) {
    for (const [at, step] of stage.steps.entries()) {
      for (let time = 0; time < (step.times ?? 1); time += 1) {
        const { config, payload } = await stage.begin(at);
        const env = { PATH: path, HOME: join(stage.folder, 'home'), OUTRIGGER_CONFIG: config };
        const call = commandOf(step, { scene, node: own, payload });
        const base = [own, '-e', '0'];
        const ran = await runPair(meter, { base, call, env, baseFirst: (count + time) % 2 === 0 });
        const counted = await stage.end(at, ran.exit === 0 ? ran.output : '');
        samples[at].push({ ...ran, ...counted });
      }
    }
  }
  return samples;
}

function commandOf({ action, program = 'outrigger' }, { scene, node, payload }) {
  if (typeof program === 'object') return [node, '-e', program.script];
  return [scene.file(program), action, payload, '60'];
}

function lineOf({ name, bar, exit = 0 }, samples, barred) {
  const figures = summarize(samples);
  const wrong = samples.find((sample) => sample.exit !== exit);
  if (wrong !== undefined) print(`${name} ended with ${wrong.exit}: ${wrong.output.trim()}`);
  return { name, figures, failed: wrong !== undefined, ...judge(figures, bar, { barred }) };
}

/** Distributions that build Node without snapshot and code cache start three times as slowly. */
function facts(node) {
  const script =
    'const v = process.config.variables;' +
    'console.log(JSON.stringify({ version: process.version,' +
    ' upstream: String(v.node_use_node_snapshot && v.node_use_node_code_cache) === "true" }))';
  return JSON.parse(execFileSync(node, ['-e', script], { encoding: 'utf8', env: {} }));
}

function writePage({ version }, result, { rounds, load }) {
  const { version: node, build, stages, failures, instructions } = result;
  if (failures > 0) throw new Error('a call did not end as it has to; nothing was written');
  const date = new Date().toISOString().slice(0, 10);
  const numbers = markdownNumbers({ date, version, node, build, rounds, load }, stages);
  const sections =
    values.only.length === 0
      ? { numbers, others: markdownOthers(stages), instructions }
      : { [`numbers of ${values.only.join(' and ')}`]: numbers };
  const text = Object.entries(sections).reduce(
    (all, [name, section]) => replaceSection(all, name, section),
    readFileSync(page, 'utf8'),
  );
  writeFileSync(page, text);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
