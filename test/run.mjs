import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundle, shared } from '../build.mjs';

/*
 * Bundles the tests beside the code they test and runs them with Node's own runner.
 * `node test/run.mjs [part of a file name …]` runs only the matching files. Without a part it runs every
 * file that no other script of package.json plays as `node test/run.mjs PART`.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const wanted = process.argv.slice(2);
// Several partial runs may go on side by side; each has a folder of its own.
const target = join(root, wanted.length === 0 ? 'build/test' : `build/test-${process.pid}`);

const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const otherScripts = Object.values(scripts).flatMap(
  (command) => /^node test\/run\.mjs (\S+)$/.exec(command)?.[1] ?? [],
);

// Files that take from 20 s to four minutes start first: one that starts last would run while the other cores are idle.
const longest = [
  'providers/incus/on-incus',
  'providers/libvirt/',
  'providers/incus/',
  'providers/command/',
  'providers/proxmox/conformance',
  'built-file/nodes',
  'instruments/faults/',
  'providers/maas/conformance',
  'providers/hyperv/conformance',
  'providers/proxmox/',
  'instruments/scale/',
  'quick-start',
];

async function testFiles() {
  const entries = await readdir(join(root, 'test'), { recursive: true });
  const files = entries.filter((name) => name.endsWith('.test.ts')).sort();
  const rank = (file) =>
    longest.findIndex((part) => file.startsWith(part)) + 1 || longest.length + 1;
  files.sort((a, b) => rank(a) - rank(b));
  return wanted.length === 0
    ? files.filter((file) => !otherScripts.some((part) => file.startsWith(part)))
    : files.filter((file) => wanted.some((part) => file.includes(part)));
}

/** Node's runner starts files in the order of their names, so the name begins with the file's place. */
function builtName(file) {
  const place = String(files.indexOf(file)).padStart(3, '0');
  return `${place}-${file.replace(/\.ts$/, '').replaceAll('/', '.')}`;
}

const files = await testFiles();
if (files.length === 0) throw new Error('no test file has such a name');
await rm(target, { recursive: true, force: true });
await Promise.all([
  bundleAll(),
  build({
    ...shared,
    entryPoints: files.map((file) => ({ in: join(root, 'test', file), out: builtName(file) })),
    outdir: target,
    target: 'node18',
    sourcemap: 'inline',
    external: ['esbuild'],
    define: { OUTRIGGER_VERSION: '"0.0.0-test"', OUTRIGGER_STAMP: '"sha256:test"' },
  }),
]);
const built = files.map((file) => join(target, `${builtName(file)}.js`));
// Most of them wait for processes and servers, so one more than there are cores runs at a time. Some look at how
// long things take: where the result decides something, no more than two run side by side.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const atOnce = process.env['CI'] === undefined ? availableParallelism() + 1 : 2;
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
