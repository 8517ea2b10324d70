import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { shared } from '../build.mjs';

/*
 * `node tools/fake.mjs acme` starts the fake that the suite has for a provider, prints the details
 * that lead to it as key=value and serves until Ctrl-C. It is the fake of test/providers/acme/conformance.test.ts: whatever
 * that file hands to the suite.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [name = ''] = process.argv.slice(2);
const test = join(root, 'test/providers', name, 'conformance.test.ts');
if (!/^[a-z0-9-]+$/.test(name) || !existsSync(test)) {
  throw new Error(
    'usage: node tools/fake.mjs PROVIDER, one that has test/providers/PROVIDER/conformance.test.ts',
  );
}

// The fakes read their keys beside the tests.
process.chdir(root);
const folder = join(root, `build/fake-${process.pid}`);
let loaded;
try {
  await build({
    ...shared,
    stdin: {
      contents: `import './test/providers/${name}/conformance.test.ts'; export * from './tools/fake-main.ts';`,
      resolveDir: root,
      loader: 'ts',
    },
    outfile: join(folder, 'fake.cjs'),
    target: 'node18',
    plugins: [{ name: 'no suite', setup: withoutSuite }],
    define: { OUTRIGGER_VERSION: '"0.0.0-fake"', OUTRIGGER_STAMP: '"sha256:fake"' },
  });
  ({ default: loaded } = await import(pathToFileURL(join(folder, 'fake.cjs')).href));
} finally {
  await rm(folder, { recursive: true, force: true });
}
await loaded.serveFake();

/** In place of the suite, and of what runs tests, stands what keeps the system that is handed to it. */
function withoutSuite({ onResolve }) {
  onResolve({ filter: /\/conformance\/index\.ts$|^node:test$/ }, () => ({
    path: join(root, 'tools/fake-main.ts'),
  }));
}
