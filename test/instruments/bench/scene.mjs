import { execFileSync, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundle, shared } from '../../../build.mjs';

/** The last line of the file, which runs its first part. */
const start = /\nuse\('0'\);\n$/;

/** The files under test and a folder that is gone afterwards. */
export async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  const file = (name) => join(folder, name);
  const { text, parts } = await bundle({ entry: 'src/main.ts', outfile: file('outrigger') });
  const probe = await bundle({ entry: 'test/built-file/probe/main.ts', outfile: file('probe') });
  if (!start.test(text)) throw new Error('the last line of the built file does not run it');
  const executable = { mode: 0o755 };
  writeFileSync(file('idle'), text.replace(start, '\n'), executable);
  writeFileSync(file('empty'), text.slice(0, text.indexOf('\n') + 1), executable);
  return {
    folder,
    file,
    parts: { outrigger: parts, probe: probe.parts },
    ...about(file('outrigger')),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function about(file) {
  const { version, providers } = JSON.parse(
    execFileSync(file, ['version', '--json'], { encoding: 'utf8' }),
  );
  return { version, providers: Object.keys(providers) };
}

const sourceOf = (name) => `test/instruments/bench/${name}.ts`;

/** Whether a provider is measured. */
export function hasStage(name) {
  return existsSync(sourceOf(name));
}

/** The stage of this name in a process of its own, with the steps that it announces. */
export async function openStage(scene, name) {
  const source = sourceOf(name);
  const folder = join(scene.folder, name);
  const outfile = join(scene.folder, `${name}.js`);
  await build({
    ...shared,
    entryPoints: [source],
    outfile,
    target: 'node18',
    define: { OUTRIGGER_VERSION: '"0.0.0-bench"', OUTRIGGER_STAMP: '"sha256:bench"' },
  });
  mkdirSync(folder, { recursive: true });
  const child = fork(outfile, [folder], { execArgv: [] });
  let hear = () => {};
  let gone = false;
  const next = () =>
    new Promise((resolve, reject) => {
      if (gone) reject(new Error(`the stage ${name} has ended`));
      hear = (message) =>
        (message === undefined ? reject : resolve)(
          message ?? new Error(`the stage ${name} has ended`),
        );
    });
  child.on('message', (message) => hear(message));
  child.once('exit', () => {
    gone = true;
    hear(undefined);
  });
  const { steps } = await next();
  const ask = (order) => {
    const answer = next();
    child.send(order);
    return answer;
  };
  return {
    steps,
    folder,
    /** Writes what the call reads, and answers where. */
    begin: (step) => ask({ step }),
    /** Tells what the call answered, and answers what it has done. */
    end: (step, output) => ask({ step, output }),
    close: () => child.disconnect(),
  };
}

/** The environment of one Node: nothing but a PATH that begins with it, and a home. */
export function environment(node, { folder }) {
  const bin = join(folder, `bin${node.replace(/[^\w.]+/g, '_')}`);
  if (!existsSync(bin)) {
    mkdirSync(bin);
    symlinkSync(node, join(bin, 'node'));
  }
  return { node: join(bin, 'node'), path: `${bin}:/usr/local/bin:/usr/bin:/bin` };
}
