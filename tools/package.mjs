import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../build.mjs';
import { debOf } from './packages/deb.mjs';
import { entriesOf } from './packages/entries.mjs';
import { rpmOf } from './packages/rpm.mjs';
import { layOut, packed, setModes } from './packages/tree.mjs';
import { billOfMaterials } from './sbom.mjs';

/*
 * Puts the built file and what belongs to it into a tar file, for servers without the internet, into a .deb
 * and an .rpm, and the bill of materials beside them: `node tools/package.mjs [folder]`. Needs GNU tar.
 *
 * The same content makes the same bytes: one fixed date, owner root, sorted names, and a gzip wrapper
 * without compression, since what zlib makes of the same text differs from one Node to the next.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const date = '2026-01-01T00:00:00Z';
const fixed = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'install.sh',
  'out/SHA256SUMS',
  'out/outrigger',
];

const hash = (algorithm, data) => createHash(algorithm).update(data).digest('hex');
const sha256 = (data) => hash('sha256', data);
const read = (name) => readFileSync(join(root, name));
const readJson = (name) => JSON.parse(read(name).toString());

async function main(folder = join(root, 'build')) {
  const manifest = readJson('package.json');
  const top = `${manifest.name}-${manifest.version}`;
  const work = mkdtempSync(join(tmpdir(), 'outrigger-package-'));
  try {
    const bill = await fill(join(work, top), manifest);
    mkdirSync(folder, { recursive: true });
    const archive = archiveOf(work, top);
    const { deb, rpm } = systemPackages(work, join(work, top), manifest);
    for (const [name, data] of [
      [`${top}.tar.gz`, archive],
      [`${top}.cdx.json`, bill],
      [`${manifest.name}_${manifest.version}_all.deb`, deb],
      [`${top}-1.noarch.rpm`, rpm],
    ]) {
      writeFileSync(join(folder, name), data);
      process.stdout.write(`${sha256(data)}  ${join(folder, name)}\n`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Fills the folder with everything that is packed; answers the bill of materials. */
async function fill(folder, manifest) {
  for (const name of [...fixed, 'docs']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  const mapfile = join(folder, 'out/outrigger.map.json');
  const { text, inputs } = await bundle({
    entry: 'src/main.ts',
    outfile: join(folder, 'out/outrigger'),
    mapfile,
  });
  const file = read('out/outrigger');
  if (text !== file.toString() || !read('out/SHA256SUMS').includes(sha256(file))) {
    throw new Error('out/outrigger is not what the sources make: run "node build.mjs" first');
  }
  const bill = billOfMaterials({
    manifest,
    lock: readJson('package-lock.json'),
    inputs,
    sums: { 'SHA-256': sha256(file), 'SHA-512': hash('sha512', file) },
  });
  writeFileSync(join(folder, 'LICENSES-THIRD-PARTY'), licencesIn(text));
  writeFileSync(join(folder, 'outrigger.cdx.json'), bill);
  const sums = filesIn(folder).map(
    (name) => `${sha256(readFileSync(join(folder, name)))}  ${name}\n`,
  );
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
  return bill;
}

function licencesIn(text) {
  const licences = /\n\/\*\n(Outrigger is licensed[\s\S]*)\n\*\/\n/.exec(text)?.[1];
  if (licences === undefined) throw new Error('out/outrigger does not hold the licences');
  return `${licences}\n`;
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** A tar file in the format of POSIX, ustar, which every version of GNU tar writes alike. */
function archiveOf(work, top) {
  const names = filesIn(join(work, top));
  for (const name of names) {
    chmodSync(join(work, top, name), /(^|\/)(install\.sh|outrigger)$/.test(name) ? 0o755 : 0o644);
  }
  const fixedFacts = ['--format=ustar', `--mtime=${date}`, '--owner=root:0', '--group=root:0'];
  const members = names.map((name) => `${top}/${name}`);
  const tar = execFileSync('tar', [...fixedFacts, '-cf', '-', '-C', work, ...members], {
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  return packed(tar);
}

/** The same files for dpkg and for rpm. */
function systemPackages(work, unpacked, manifest) {
  const tree = join(work, 'tree');
  const read = (name) => readFileSync(join(unpacked, name), 'utf8');
  const licence = 'Apache License 2.0, on Debian in /usr/share/common-licenses/Apache-2.0';
  const copyright = `Outrigger\nCopyright 2026 The Outrigger authors\n${licence}\n\n${read('LICENSES-THIRD-PARTY')}`;
  layOut(tree, unpacked, { changelog: read('CHANGELOG.md'), copyright });
  const entries = entriesOf(tree);
  setModes(tree, entries);
  return {
    deb: debOf(work, tree, { manifest, entries }),
    rpm: rpmOf({ manifest, entries: [...entries, licenceFile(read('LICENSE'))] }),
  };
}

/** Debian has the text of the licence already, and other systems do not. */
function licenceFile(text) {
  return { path: 'usr/share/doc/outrigger/LICENSE', kind: 'file', content: Buffer.from(text) };
}

await main(process.argv[2]);
