import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assemble, bundleInParts } from './tools/parts.mjs';

/*
 * Makes out/outrigger: one file that runs alone. The same sources give the same bytes wherever this
 * runs: nothing of the machine, the folder or the time gets in.
 */

const root = dirname(fileURLToPath(import.meta.url));

// What the environment could print before our first line, or slow the start with, is emptied. Node
// requires the file, which no `"type": "module"` beside or above it can change; the exit code is 1
// unless the file sets another, so that a file that was cut off is never a success. 127 characters,
// since kernels before 5.1 read no more.
const shebang =
  '#!/usr/bin/env -SNODE_OPTIONS= NODE_EXTRA_CA_CERTS= NODE_DEBUG= node -e p=process;p.exitCode=1;require(path.resolve(p.argv[1]))';

// Read by Node 10 too, so that an old server gets an answer that CloudStack can show.
const prologue = `process.exitCode=1;(function(){var v=process.versions.node.split('.');if(+v[0]<18||(+v[0]===18&&+v[1]<17)){require('fs').writeSync(1,JSON.stringify({status:'error',error:'Outrigger needs Node.js 18.17 or newer, but '+process.execPath+' is v'+process.versions.node+'. Install a newer Node.js on this management server, or name one with install.sh --node.'})+'\\n');process.exit(1)}process.removeAllListeners('warning');process.on('warning',function(){})})();`;

const unstamped = 'sha256:'.padEnd(7 + 64, '0');

/** Everything after line 1 with the stamp zeroed: another shebang leaves the hash alone. */
export function contentHash(text) {
  const body = text.slice(text.indexOf('\n') + 1).replace(/sha256:[0-9a-f]{64}/, unstamped);
  return createHash('sha256').update(body).digest('hex');
}

/**
 * ofetch's own entry loads a polyfill and reads globals that load undici; its core does neither.
 * Headers and FormData inside it become the small ones that our adapter understands.
 */
export const ofetchCore = {
  name: 'ofetch-core',
  setup(context) {
    context.onResolve({ filter: /^ofetch$/ }, async () => {
      const folder = join(root, 'node_modules/ofetch/dist/shared');
      const core = (await readdir(folder)).find((name) => name.endsWith('.mjs'));
      if (core === undefined) throw new Error(`no core module of ofetch in ${folder}`);
      return { path: join(folder, core), namespace: 'file', pluginData: 'core' };
    });
    context.onLoad({ filter: /ofetch\/dist\/shared\/.*\.mjs$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const names = /export \{([^}]*)\}/.exec(text)?.[1] ?? '';
      const local = (exported) =>
        names.split(',').find((n) => n.trim().endsWith(` as ${exported}`));
      if (!local('c')?.includes('createFetch'))
        throw new Error('ofetch has changed its core module');
      const renamed = text.replace(/export \{[^}]*\};?\s*$/, 'export { createFetch, FetchError };');
      return { contents: renamed, loader: 'js' };
    });
  },
};

/** What the bundle and the bundled tests have in common, so that both run the same code. */
export const shared = {
  absWorkingDir: root,
  // Named, so that one in a folder above never counts.
  tsconfig: join(root, 'tsconfig.json'),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  charset: 'ascii',
  // The skeletons of drivers, which are files of their own languages.
  loader: { '.bash': 'text', '.py': 'text', '.go': 'text' },
  logLevel: 'warning',
  plugins: [ofetchCore],
  inject: [join(root, 'src/kit/http/globals.ts')],
  supported: {
    // `import('node:...')` becomes a require: starting Node's loader for modules takes 5 ms and more.
    'dynamic-import': false,
    // Else esbuild makes a call of valibot's expression for emojis, and keeps it though no code uses it.
    'regexp-unicode-property-escapes': true,
  },
};

/**
 * Bundles one entry into one executable file; answers its text, its parts (tools/parts.mjs) and the
 * names of all sources in it.
 *
 * `entry` is a path in the project; the probe of the tests is built by the same function. With a
 * `mapfile` the source maps of the parts are written there, for tools/trace.mjs.
 */
export async function bundle({ entry, outfile, mapfile }) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { parts, inputs } = await bundleInParts({
    ...shared,
    entryPoints: [join(root, entry)],
    target: 'node18',
    minify: true,
    legalComments: 'none',
    define: {
      OUTRIGGER_VERSION: JSON.stringify(version),
      OUTRIGGER_STAMP: JSON.stringify(unstamped),
    },
  });
  const end = await licenceComment(inputs);
  const text = `${shebang}\n${assemble({ prologue, parts, end })}`;
  const stamped = text.replace(unstamped, `sha256:${contentHash(text)}`);
  await writeWhole(outfile, stamped, 0o755);
  if (mapfile !== undefined) await writeWhole(mapfile, mapOf(stamped, parts), 0o644);
  return { text: stamped, parts, inputs };
}

/** In one step, so that no process ever reads half of the file. */
async function writeWhole(path, text, mode) {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, text);
  await chmod(draft, mode);
  await rename(draft, path);
}

/** By the name that a stack has for a part, its source map; `content` is the stamp of the file. */
function mapOf(text, parts) {
  const [content] = /sha256:[0-9a-f]{64}/.exec(text);
  const maps = Object.fromEntries(parts.map(({ name, map }) => [`outrigger:${name}`, map]));
  return `${JSON.stringify({ content, parts: maps })}\n`;
}

async function licenceComment(inputs) {
  const packages = [
    ...new Set(inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])),
  ]
    .filter((name) => name !== undefined)
    .sort();
  const texts = await Promise.all(packages.map(licenceOf));
  const own = 'Outrigger is licensed under the Apache License, Version 2.0.';
  return `/*\n${[own, ...texts].join('\n\n').replace(/\*\//g, '* /')}\n*/\n`;
}

async function licenceOf(name) {
  const folder = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  const text = (await readFile(join(folder, file), 'utf8')).replace(/\r/g, '').trim();
  return `--- ${name} ${version} (${license})\n${text}`;
}

async function main() {
  const outfile = join(root, 'out/outrigger');
  const mapfile = join(root, 'build/outrigger.map.json');
  const { text } = await bundle({ entry: 'src/main.ts', outfile, mapfile });
  const sum = createHash('sha256').update(text).digest('hex');
  await writeFile(join(root, 'out/SHA256SUMS'), `${sum}  ${basename(outfile)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
