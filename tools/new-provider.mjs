import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/*
 * `node tools/new-provider.mjs NAME ["Title"]` begins a provider for a system with a REST API: client,
 * driver, settings, checks, a fake server and the conformance test, which is green from the start. They
 * are copies of tools/skeleton, which CI holds to the same suite. docs/writing-a-provider.md goes on.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const skeleton = 'tools/skeleton';

/** Where each part of the skeleton goes. */
function placeOf(file, name) {
  const part = posix.relative(skeleton, file);
  if (part === 'fake.ts') return `fakes/${name}/server.ts`;
  if (part === 'fake-main.ts') return `fakes/${name}/main.ts`;
  if (part === 'backend.ts') return `test/providers/${name}/backend.ts`;
  return `src/providers/${name}/${posix.relative('provider', part)}`;
}

/** The files of a new provider: their paths in the project, and their texts. */
export function filesOf(name, title) {
  const sources = readdirSync(join(root, skeleton), { recursive: true })
    .map((part) => posix.join(skeleton, String(part).replace(/\\/g, '/')))
    .filter((part) => part.endsWith('.ts'));
  const files = new Map();
  for (const source of sources) {
    const place = placeOf(source, name);
    const text = readFileSync(join(root, source), 'utf8').replace(
      /from '(\.[^']+)'/g,
      (_, target) => `from '${moved(posix.join(posix.dirname(source), target), place, name)}'`,
    );
    files.set(place, renamed(text, name, title));
  }
  files.set(`test/providers/${name}/conformance.test.ts`, suite(name));
  return files;
}

/** What an import is called at its new place. */
function moved(target, place, name) {
  const there = target.startsWith(`${skeleton}/`) ? placeOf(target, name) : target;
  const path = relative(dirname(place), there);
  return path.startsWith('.') ? path : `./${path}`;
}

function renamed(text, name, title) {
  const pascal = name.replace(/(^|-)([a-z0-9])/g, (_, __, letter) => letter.toUpperCase());
  const camel = pascal.charAt(0).toLowerCase() + pascal.slice(1);
  return text
    .replace(/(['"/])acme(?=['"/])/g, `$1${name}`)
    .replace(/(?<=')Acme(?=')|\bAcme(?= |,|\.|’|'s|:)/g, title)
    .replace(/acme/g, camel)
    .replace(/Acme/g, pascal);
}

function suite(name) {
  const pascal = name.replace(/(^|-)([a-z0-9])/g, (_, __, letter) => letter.toUpperCase());
  const backend = `${pascal.charAt(0).toLowerCase()}${pascal.slice(1)}Backend`;
  return `import { conformance } from '../../conformance/index.ts';
import { ${backend} } from './backend.ts';

conformance('${name}', ${backend});
`;
}

function main([name = '', title = name.charAt(0).toUpperCase() + name.slice(1)]) {
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(name)) {
    throw new Error(
      'usage: node tools/new-provider.mjs NAME ["Title"], NAME of 2 to 31 small letters, digits and hyphens',
    );
  }
  if (/['"`\\$]/.test(title)) throw new Error('the title must not hold quotes, a backslash or $');
  const files = filesOf(name, title);
  const there = [...files.keys()].find((path) => existsSync(join(root, path)));
  if (there !== undefined) throw new Error(`${there} is there already`);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  register(name);
  process.stdout.write(`${[...files.keys()].join('\n')}\n
Now: npm run fix, then node test/run.mjs providers/${name}, then docs/writing-a-provider.md\n`);
}

/** One line in the registry, in the order of the alphabet. */
function register(name) {
  const path = join(root, 'src/providers/index.ts');
  const text = readFileSync(path, 'utf8');
  const camel = name.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());
  const key = /-/.test(name) ? `'${name}'` : name;
  const line = `  ${key}: async () => (await import('./${name}/index.ts')).${camel},\n`;
  const lines = text.match(/^ {2}\S+: async .*\n/gm) ?? [];
  const sorted = [...lines, line].sort().join('');
  writeFileSync(path, text.replace(lines.join(''), sorted));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
