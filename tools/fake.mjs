import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { shared } from '../build.mjs';

/*
 * `node tools/fake.mjs pve` bundles fakes/pve/main.ts and runs it: the fake prints the details that
 * lead to it, one key=value a line, and serves on loopback until Ctrl-C.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [name = ''] = process.argv.slice(2);
const names = readdirSync(join(root, 'fakes')).filter((each) => existsSync(mainOf(each)));
if (!names.includes(name)) {
  process.stderr.write(`usage: node tools/fake.mjs ${names.join('|')}\n`);
  process.exit(2);
}

// The fakes read their certificates from fakes/http/keys.
process.chdir(root);
const folder = join(root, `build/fake-${process.pid}`);
const outfile = join(folder, 'fake.mjs');
try {
  await build({
    ...shared,
    entryPoints: [mainOf(name)],
    outfile,
    format: 'esm',
    target: 'node18',
  });
  await import(pathToFileURL(outfile).href);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function mainOf(each) {
  return join(root, 'fakes', each, 'main.ts');
}
