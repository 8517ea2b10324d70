import {
  attributes,
  directoryRecord,
  type Entry,
  encoded,
  pathRecord,
  rockRidge,
  rockRidgeRoot,
  sector,
  type Tree,
} from './records.ts';
import { terminator, volumeDescriptor } from './volume.ts';

/** A file by its path, such as `openstack/latest/user_data`: plain ASCII, names of at most 60 characters. */
export interface IsoFile {
  readonly path: string;
  readonly content: Buffer;
}

interface Directory {
  readonly name: string;
  /** The root is its own. */
  readonly parent: number;
  readonly files: readonly Entry[];
}

const trees = ['plain', 'joliet'] as const;
/** Sixteen empty sectors, two descriptors, the end of them, and four path tables of a sector each. */
const firstDirectory = 16 + 3 + 4;

/**
 * An image of ISO 9660 with the names of Rock Ridge and of Joliet, for a few small files: a directory
 * and a path table fill one sector each, which is enough for a dozen entries.
 */
export function isoImage(label: string, files: readonly IsoFile[]): Buffer {
  const names = directoriesOf(files);
  let next = firstDirectory + trees.length * names.length;
  const placed = files.map(({ path, content }) => {
    const at = next;
    next += Math.ceil(content.length / sector);
    const name = path.slice(path.lastIndexOf('/') + 1);
    return { path, entry: { name, at, bytes: content.length, isDirectory: false } };
  });
  const directories = names.map(
    (path): Directory => ({
      name: path.slice(path.lastIndexOf('/') + 1),
      parent: names.indexOf(parentOf(path)),
      files: placed.filter((file) => parentOf(file.path) === path).map(({ entry }) => entry),
    }),
  );
  const descriptors = trees.map((tree) => descriptorOf(tree, label, directories, next));
  return Buffer.concat([
    Buffer.alloc(16 * sector),
    ...descriptors,
    terminator(),
    ...trees.flatMap((tree) => [true, false].map((little) => table(tree, directories, little))),
    ...trees.flatMap((tree) => directories.map((_, i) => directory(tree, directories, i))),
    ...files.map(({ content }) => inSectors(content)),
  ]);
}

/** The root as '', then every directory behind the one that it is in. */
function directoriesOf(files: readonly IsoFile[]): readonly string[] {
  const found = new Set(['']);
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1);
    for (const i of parts.keys()) found.add(parts.slice(0, i + 1).join('/'));
  }
  return [...found].sort((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function entryOf(tree: Tree, directories: readonly Directory[], i: number): Entry {
  const at = firstDirectory + trees.indexOf(tree) * directories.length + i;
  return { name: directories[i]?.name ?? '', at, bytes: sector, isDirectory: true };
}

function descriptorOf(tree: Tree, label: string, all: readonly Directory[], sectors: number) {
  const tables = 16 + 3 + 2 * trees.indexOf(tree);
  return volumeDescriptor(tree, {
    ...{ label, sectors },
    tableBytes: tableOf(tree, all, true).length,
    littleTableAt: tables,
    bigTableAt: tables + 1,
    root: directoryRecord(entryOf(tree, all, 0), Buffer.alloc(1), Buffer.alloc(0)),
  });
}

function table(tree: Tree, all: readonly Directory[], littleEndian: boolean): Buffer {
  return inSectors(tableOf(tree, all, littleEndian));
}

function tableOf(tree: Tree, all: readonly Directory[], littleEndian: boolean): Buffer {
  const records = all.map(({ name, parent }, i) => {
    const identifier = i === 0 ? Buffer.alloc(1) : encoded(tree, shortened(tree, name, true, []));
    return pathRecord(identifier, entryOf(tree, all, i).at, Math.max(parent, 0) + 1, littleEndian);
  });
  return Buffer.concat(records);
}

/** The records of a directory: itself, its parent, then its entries in the order of their names. */
function directory(tree: Tree, all: readonly Directory[], own: number): Buffer {
  const { parent = 0, files = [] } = all[own] ?? {};
  const use = (buffer: Buffer): Buffer => (tree === 'plain' ? buffer : Buffer.alloc(0));
  const self = own === 0 ? rockRidgeRoot() : attributes(true);
  const within = all.flatMap((each, i) =>
    i > 0 && each.parent === own ? [entryOf(tree, all, i)] : [],
  );
  const taken: string[] = [];
  const entries = [...within, ...files].map((entry) => {
    const short = shortened(tree, entry.name, entry.isDirectory, taken);
    taken.push(short);
    return { short, record: directoryRecord(entry, encoded(tree, short), use(rockRidge(entry))) };
  });
  entries.sort((a, b) => (a.short < b.short ? -1 : 1));
  return inSectors(
    Buffer.concat([
      directoryRecord(entryOf(tree, all, own), Buffer.from([0]), use(self)),
      directoryRecord(
        entryOf(tree, all, Math.max(parent, 0)),
        Buffer.from([1]),
        use(attributes(true)),
      ),
      ...entries.map(({ record }) => record),
    ]),
  );
}

/** The name as the tree takes it; plain ISO 9660 has eight capitals, digits and underscores. */
function shortened(
  tree: Tree,
  name: string,
  isDirectory: boolean,
  taken: readonly string[],
): string {
  const version = isDirectory ? '' : ';1';
  if (tree === 'joliet') return `${name}${version}`;
  const plain = name.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
  const dot = isDirectory ? '' : '.';
  for (let turn = 0; ; turn += 1) {
    const end = turn === 0 ? '' : String(turn);
    const short = `${plain.slice(0, 8 - end.length)}${end}${dot}${version}`;
    if (!taken.includes(short)) return short;
  }
}

function inSectors(content: Buffer): Buffer {
  const whole = Buffer.alloc(Math.ceil(content.length / sector) * sector);
  content.copy(whole);
  return whole;
}
