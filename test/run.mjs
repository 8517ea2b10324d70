import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundle, shared } from '../build.mjs';
import { filesOf, processesFor } from './entries.mjs';

/*
 * Bundles the tests beside the code they test and runs them with Node's own runner.
 * `node test/run.mjs [part of a file name …]` runs only the matching files; entries.mjs says which.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const wanted = process.argv.slice(2);
// Several partial runs may go on side by side; each has a folder of its own.
const target = join(root, wanted.length === 0 ? 'build/test' : `build/test-${process.pid}`);

const files = await filesOf(root, wanted);
if (files.length === 0) throw new Error('no test file has such a name');
const processes = processesFor(files).map(({ name, files: members }, place) => ({
  // Node's runner starts files in the order of their names, so the name begins with the place.
  out: `${String(place).padStart(3, '0')}-${name.replaceAll('/', '.')}.test`,
  in: `process:${place}`,
  source: members.map((file) => `import ${JSON.stringify(join(root, 'test', file))};`).join('\n'),
}));

/** The files of one process are imported by an entry that is written nowhere. */
const entries = {
  name: 'entries',
  setup(context) {
    context.onResolve({ filter: /^process:/ }, ({ path }) => ({ path, namespace: 'process' }));
    context.onLoad({ filter: /.*/, namespace: 'process' }, ({ path }) => ({
      contents: processes.find((each) => each.in === path)?.source,
      resolveDir: root,
    }));
  },
};

await rm(target, { recursive: true, force: true });
await Promise.all([
  bundleAll(),
  build({
    ...shared,
    entryPoints: processes.map(({ in: entry, out }) => ({ in: entry, out })),
    plugins: [...shared.plugins, entries],
    outdir: target,
    target: 'node18',
    sourcemap: 'inline',
    external: ['esbuild'],
    define: { OUTRIGGER_VERSION: '"0.0.0-test"', OUTRIGGER_STAMP: '"sha256:test"' },
  }),
]);
const built = processes.map(({ out }) => join(target, `${out}.js`));
// Most of them wait for processes and servers: two side by side keep two cores busy for less than half of the time.
// So one more than there are cores runs at a time, and no more, since some look at how long things take.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const atOnce = Math.min(availableParallelism(), 3) + 1;
const concurrency =
  major > 20 || (major === 20 && minor >= 10) ? [`--test-concurrency=${atOnce}`] : [];
const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', ...concurrency, ...built.map((file) => relative(root, file))],
  { cwd: root, stdio: 'inherit' },
);
if (wanted.length > 0) await rm(target, { recursive: true, force: true });
process.exitCode = status ?? 1;

async function bundleAll() {
  try {
    await Promise.all([
      bundleOne('src/main.ts', 'build/out/outrigger'),
      bundleOne('test/built-file/probe/main.ts', 'build/probe/probe'),
    ]);
  } catch (error) {
    // A part of the tests may well run while another part of the sources is being written.
    if (wanted.length === 0) throw error;
  }
}

function bundleOne(entry, file) {
  const outfile = join(root, file);
  return bundle({ entry, outfile, mapfile: `${outfile}.map.json` });
}
