import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { bundle, shared } from '../../../build.mjs';
import { startMeter } from '../bench/measure.mjs';
import { environment } from '../bench/scene.mjs';
import { measureLists } from './curves.mjs';
import { chaosTable, chaosText, curveTable, loadTable, writePage } from './page.mjs';

/*
 * Many instances and many calls at once: a chaos run of mixed actions with everything that can go wrong,
 * what `statuses` takes by the number of instances, and the memory of calls that wait together.
 */

const usage = `npm run test:scale -- [--only chaos|curves|memory]... [options]

  --seconds N      how long the chaos run lasts (120)
  --instances N    on five hosts of four systems (200)
  --processes N    calls under way at a time (16)
  --provider NAME  a chaos run on this system alone; may be given several times
  --concurrent-creates P        how often two creates of one instance come at once (0.05)
  --seed N         repeats the plan of a chaos run
  --rounds N       how often each list is asked for (3)
  --markdown       write the tables of docs/scale.md, those of these parts only

The lists need python3 (3.9 or newer), as npm run bench does; memory needs Linux.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string', default: '120' },
    instances: { type: 'string', default: '200' },
    processes: { type: 'string', default: '16' },
    provider: { type: 'string', multiple: true },
    'concurrent-creates': { type: 'string', default: '0.05' },
    seed: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    markdown: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const number = (name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} has to be a number`);
  return value;
};

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '../../..'));
if (values.help) print(usage);
else process.exitCode = await measure();

async function measure() {
  const parts = { chaos: runChaos, curves: runCurves, memory: runMemory };
  const names = values.only.length === 0 ? Object.keys(parts) : values.only;
  const unknown = names.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new Error(`there is no ${unknown}; see --help`);
  if (values.markdown && values.provider) throw new Error('--markdown needs all systems');
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-scale-'));
  const scene = { folder, file: (name) => join(folder, name) };
  try {
    await bundle({ entry: 'src/main.ts', outfile: scene.file('outrigger') });
    const tools = { scene, tests: await load(scene) };
    let failed = false;
    for (const name of names) {
      const begun = loadavg()[0];
      const { text, violations = [] } = await parts[name](tools);
      if (violations.length > 0) failed = true;
      else if (values.markdown) writePage(name, `${facts(begun)}\n\n${text}`);
    }
    return failed ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The parts that are TypeScript. */
async function load({ file }) {
  const outfile = file('scale.js');
  await build({
    ...shared,
    entryPoints: ['test/instruments/scale/parts.ts'],
    outfile,
    target: 'node18',
    sourcemap: 'inline',
    define: { OUTRIGGER_VERSION: '"0.0.0-scale"', OUTRIGGER_STAMP: '"sha256:scale"' },
  });
  return createRequire(import.meta.url)(outfile);
}

async function runChaos({ scene, tests }) {
  const seed = values.seed === undefined ? Date.now() & 0x7fffffff : number('seed');
  const [seconds, instances, processes] = ['seconds', 'instances', 'processes'].map(number);
  const concurrentCreates = Number(values['concurrent-creates']);
  print(`A chaos run of ${seconds} s, seed ${seed}`);
  const options = { seed, seconds, instances, processes, timeoutSeconds: 60, concurrentCreates };
  if (values.provider !== undefined) options.providers = values.provider;
  const report = await tests.chaos({ file: scene.file('outrigger'), ...options });
  print(chaosText(report));
  for (const violation of report.violations) print(`VIOLATION ${violation}`);
  return { text: chaosTable(report, options), violations: report.violations };
}

async function runCurves({ scene, tests }) {
  const meter = startMeter();
  try {
    const { node, path } = environment(process.execPath, scene);
    const order = { file: scene.file('outrigger'), meter, node, path, rounds: number('rounds') };
    const lines = await measureLists(tests, order, print);
    return { text: curveTable(lines) };
  } finally {
    meter.close();
  }
}

async function runMemory({ scene, tests }) {
  const sizes = [1, 8, 32, 100];
  const lines = [];
  for (const provider of tests.loads) {
    const loads = await tests.measureLoad(provider, scene.file('outrigger'), sizes);
    lines.push({ provider, loads });
    for (const { calls, pssMegabytes, rssMegabytes } of loads) {
      const each = (pssMegabytes / calls).toFixed(1);
      print(
        `${provider.padEnd(10)}${String(calls).padStart(4)} calls${pssMegabytes.toFixed(0).padStart(7)} MB, ${each} each (RSS ${(rssMegabytes / calls).toFixed(1)})`,
      );
    }
  }
  return { text: loadTable(sizes, lines) };
}

function facts(begun) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const load = [begun, loadavg()[0]].map((value) => value.toFixed(1));
  const date = new Date().toISOString().slice(0, 10);
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return (
    `Outrigger ${version}, Node.js ${process.version}, ${date}, ${cpus().length} cores, ` +
    `${gigabytes} GiB; load of the machine from ${load[0]} to ${load[1]}.`
  );
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
