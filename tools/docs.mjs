import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { shared } from '../build.mjs';

/*
 * Writes each provider's reference into docs/providers/<name>.md, between the markers there.
 * A page that is missing is begun with the headings that all pages have.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outfile = join(root, 'build/update-docs.js');
const contents = [
  "export { reference } from './src/commands/reference.ts';",
  "export { withReference } from './src/commands/reference-page.ts';",
  "export { registry } from './src/providers/index.ts';",
].join('\n');
await build({
  ...shared,
  stdin: { contents, resolveDir: root, loader: 'ts' },
  outfile,
  target: 'node18',
  define: { OUTRIGGER_VERSION: '"0.0.0-docs"', OUTRIGGER_STAMP: '"sha256:docs"' },
});
const { reference, withReference, registry } = createRequire(import.meta.url)(outfile);

for (const [name, load] of Object.entries(registry)) {
  const provider = await load();
  const path = join(root, 'docs/providers', `${name}.md`);
  const text = reference(provider, await provider.network?.());
  const page = existsSync(path)
    ? withReference(await readFile(path, 'utf8'), text)
    : newPage(provider, text);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, page);
}

function newPage({ title, about }, text) {
  const before = ['What it is', 'Before you start', 'Register it'].map((name) => `## ${name}\n`);
  const after = ['How it behaves', 'Limits'].map((name) => `## ${name}\n`);
  const first = withReference([`# ${title}\n`, `${about}.\n`, ...before].join('\n'), text);
  return [first, ...after].join('\n');
}
