import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundle, shared } from '../../../build.mjs';

/*
 * The long form of the table of faults: builds the file under test and what plays the cases, and
 * hands the arguments on. `--help` lists them.
 */

const folder = mkdtempSync(join(tmpdir(), 'outrigger-faults-'));
try {
  const file = join(folder, 'outrigger');
  const main = join(folder, 'main.js');
  await bundle({ entry: 'src/main.ts', outfile: file });
  await build({
    ...shared,
    entryPoints: ['test/instruments/faults/main.ts'],
    outfile: main,
    target: 'node18',
    sourcemap: 'inline',
    define: { OUTRIGGER_VERSION: '"0.0.0-test"', OUTRIGGER_STAMP: '"sha256:test"' },
  });
  const args = ['--enable-source-maps', main, file, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
