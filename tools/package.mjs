import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { shared } from '../build.mjs';
import { billOfMaterials } from './sbom.mjs';

/*
 * Puts the built file and what belongs to it into one tar file, for servers without the internet, and
 * its bill of materials beside it: `node tools/package.mjs [folder]`.
 *
 * The same content makes the same bytes: one fixed date, owner root, sorted names, and a gzip wrapper
 * without compression, since what zlib makes of the same text differs from one Node to the next.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const billName = 'outrigger.cdx.json';

const byName = (a, b) => (a.name < b.name ? -1 : 1);
const hash = (algorithm, data) => createHash(algorithm).update(data).digest('hex');
const sha256 = (data) => hash('sha256', data);
const readJson = async (name) => JSON.parse(await readFile(join(root, name), 'utf8'));

async function main(folder = join(root, 'build')) {
  const manifest = await readJson('package.json');
  const files = await packed(manifest);
  const top = `${manifest.name}-${manifest.version}`;
  await mkdir(folder, { recursive: true });
  for (const [name, data] of [
    [`${top}.tar.gz`, tarFile(top, files)],
    [`${top}.cdx.json`, files.find(({ name }) => name === billName).data],
  ]) {
    await writeFile(join(folder, name), data);
    process.stdout.write(`${sha256(data)}  ${join(folder, name)}\n`);
  }
}

async function packed(manifest) {
  const docs = await readdir(join(root, 'docs'), { recursive: true, withFileTypes: true });
  const names = docs
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
  const fixed = [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'install.sh',
    'out/SHA256SUMS',
    'out/outrigger',
  ];
  const files = await Promise.all(
    [...fixed, ...names].map(async (name) => ({ name, data: await readFile(join(root, name)) })),
  );
  const dataOf = (wanted) => files.find(({ name }) => name === wanted).data;
  const file = dataOf('out/outrigger');
  if (!dataOf('out/SHA256SUMS').includes(sha256(file))) {
    throw new Error('out/outrigger does not fit out/SHA256SUMS: run "node build.mjs" first');
  }
  return [
    ...files,
    { name: 'LICENSES-THIRD-PARTY', data: Buffer.from(licencesIn(file)) },
    { name: billName, data: Buffer.from(await billOf(manifest, file)) },
  ].sort(byName);
}

function licencesIn(file) {
  const licences = /\/\*\n(Outrigger is licensed[\s\S]*)\n\*\/\n*$/.exec(file)?.[1];
  if (licences === undefined) throw new Error('out/outrigger does not end with the licences');
  return `${licences}\n`;
}

/** esbuild is asked once more what goes into the file: that alone is what it is made of. */
async function billOf(manifest, file) {
  const { metafile } = await build({
    ...shared,
    entryPoints: [join(root, 'src/main.ts')],
    target: 'node18',
    write: false,
    metafile: true,
  });
  return billOfMaterials({
    manifest,
    lock: await readJson('package-lock.json'),
    inputs: Object.keys(metafile.inputs),
    sums: { 'SHA-256': sha256(file), 'SHA-512': hash('sha512', file) },
  });
}

function tarFile(top, files) {
  const sums = files.map(({ name, data }) => `${sha256(data)}  ${name}\n`).join('');
  const members = [...files, { name: 'SHA256SUMS', data: Buffer.from(sums) }].sort(byName);
  const blocks = members.map(({ name, data }) => tarMember(`${top}/${name}`, data));
  const wrapped = gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { level: 0 });
  // Which level and which system made it: neither is anybody's business.
  wrapped[8] = 0;
  wrapped[9] = 255;
  return wrapped;
}

/** One file as POSIX's ustar has it. */
function tarMember(name, data) {
  if (name.length > 100) throw new Error(`${name} is too long a name for a tar file`);
  const octal = (value, width) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  const mode = /\/(install\.sh|outrigger)$/.test(name) ? 0o755 : 0o644;
  const date = Date.UTC(2026, 0, 1) / 1000;
  const numbers = `${octal(mode, 8)}${octal(0, 8)}${octal(0, 8)}${octal(data.length, 12)}${octal(date, 12)}`;
  const header = Buffer.alloc(512);
  header.write(`${name.padEnd(100, '\0')}${numbers}${' '.repeat(8)}0`);
  header.write('ustar\x0000root', 257);
  header.write('root', 297);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, data, Buffer.alloc(-data.length & 511)]);
}

await main(process.argv[2]);
