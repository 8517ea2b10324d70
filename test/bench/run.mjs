import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure, summarize } from './measure.mjs';
import { environment, setUp } from './scene.mjs';

/*
 * What one call costs beside `node -e 0` on the same Node: CPU and wall time and peak memory. The
 * environment is clean, since NODE_EXTRA_CA_CERTS alone would double the start of Node 18 and 20.
 */

const usage = `npm run bench -- [--node PATH]… [--rounds N] [--strict]

  --node PATH   measure this Node as well; may be given several times
  --rounds N    how often everything runs (30)
  --strict      exit 1 when a bar is missed

Needs python3 (3.9 or newer), for what a process costs is told only to its parent by wait4.`;

/** Largest CPU ratio and memory, on the nodejs.org build of Node 20. */
const bars = {
  'refused payload': { cpuRatio: 1.35 },
  'simulator status': { cpuRatio: 1.5 },
  'HTTPS GET, pinned': { cpuRatio: 2.2, megabytes: 50 },
};

const { values } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '30' },
    strict: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '../..'));
if (values.help) print(usage);
else process.exitCode = await benchmark();

async function benchmark() {
  const scene = await setUp();
  try {
    let missed = 0;
    for (const node of [process.execPath, ...values.node.map((path) => resolve(path))]) {
      missed += await benchmarkNode(node, scene);
    }
    return values.strict && missed > 0 ? 1 : 0;
  } finally {
    scene.close();
  }
}

async function benchmarkNode(node, scene) {
  const env = environment(node, scene.folder);
  const { version, upstream } = facts(node);
  const barred = upstream && version.startsWith('v20.');
  const build = upstream ? 'nodejs.org build' : 'built without snapshot and code cache';
  print(`\nNode ${version} (${build})${barred ? '' : ': no bars'}, ${values.rounds} rounds`);
  spawnSync(scene.outrigger, ['create', scene.payloads.create, '60'], { env });
  const cases = casesOf(scene, env);
  const rounds = await measure({ cases, env, rounds: Number(values.rounds) });
  print(row(['', 'CPU ms', 'ratio', 'bar', 'wall ms', 'ratio', 'MB', 'bar', 'exit', '']));
  const misses = summarize(rounds, Object.keys(cases)).map((line) =>
    printLine(line, barred ? bars[line.name] : undefined),
  );
  if (process.getuid() !== 0)
    print('HTTPS GET, ca_file: left out, as its file must belong to root');
  return misses.filter((miss) => miss).length;
}

function casesOf({ outrigger, probe, payloads }, env) {
  const status = (file, payload) => [file, 'status', payload, '60'];
  return {
    'node -e 0': [join(env.PATH.split(':')[0], 'node'), '-e', '0'],
    'refused payload': status(outrigger, payloads.refused),
    'simulator status': status(outrigger, payloads.simulator),
    'HTTPS GET, pinned': status(probe, payloads.pinned),
    ...(process.getuid() === 0 ? { 'HTTPS GET, ca_file': status(probe, payloads.verified) } : {}),
  };
}

/** Distributions that build Node without snapshot and code cache start three times as slowly. */
function facts(node) {
  const script =
    'const v = process.config.variables;' +
    'console.log(JSON.stringify({ version: process.version,' +
    ' upstream: String(v.node_use_node_snapshot && v.node_use_node_code_cache) === "true" }))';
  return JSON.parse(execFileSync(node, ['-e', script], { encoding: 'utf8', env: {} }));
}

function printLine(line, bar = {}) {
  const missed = line.cpuRatio > bar.cpuRatio || line.megabytes > bar.megabytes;
  const verdict = Object.keys(bar).length === 0 ? '' : missed ? 'MISSED' : 'ok';
  const cells = [
    line.name,
    line.cpuMs.toFixed(1),
    line.cpuRatio.toFixed(2),
    bar.cpuRatio?.toFixed(2) ?? '',
    line.wallMs.toFixed(1),
    line.wallRatio.toFixed(2),
    line.megabytes.toFixed(0),
    bar.megabytes?.toFixed(0) ?? '',
    line.exits.join(' '),
    verdict,
  ];
  print(row(cells));
  return missed;
}

function row([name, ...cells]) {
  return `${name.padEnd(19)}${cells.map((cell) => cell.padStart(8)).join('')}`.trimEnd();
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
