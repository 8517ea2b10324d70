import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/*
 * Which test files one script plays, which of them share a process, and which start first.
 * `node test/entries.mjs [PART …]` prints the files.
 */

/** Files that take more than fifteen seconds of a core: each has a process of its own, and they start in this order. */
const longest = [
  'providers/incus/on-incus',
  'providers/libvirt/conformance',
  'providers/incus/on-lxd',
  'providers/incus/cluster',
  'examples/',
  'commands/conform-naive',
  'commands/conform-own',
  'install/',
  'providers/command/conformance',
  'providers/hyperv/conformance',
  'providers/proxmox/conformance',
  'instruments/faults/spread',
  'providers/proxmox/network/conformance',
  'providers/command/wrong-drivers',
  'commands/driver',
  'providers/proxmox/processes',
  'instruments/scale/chaos',
  'quick-start',
  'providers/maas/conformance',
  'providers/hyperv/lost',
  'commands/conform-proxmox',
];

/** Shorter ones that start a daemon or many processes: each has a process of its own, and they start last. */
const apart = ['built-file/', 'instruments/scale/', 'providers/incus/', 'providers/libvirt/'];

/** The files that another script of package.json plays as `node test/run.mjs PART`. */
async function partsOfOtherScripts(root) {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return Object.values(scripts).flatMap(
    (command) => /^node test\/run\.mjs (\S+)$/.exec(command)?.[1] ?? [],
  );
}

/** The files whose path contains one of the parts; without any, all that no other script plays. */
export async function filesOf(root, parts) {
  const entries = await readdir(join(root, 'test'), { recursive: true });
  const files = entries.filter((name) => name.endsWith('.test.ts')).sort();
  if (parts.length > 0) return files.filter((file) => parts.some((part) => file.includes(part)));
  const others = await partsOfOtherScripts(root);
  return files.filter((file) => !others.some((part) => file.includes(part)));
}

/**
 * Shares the files out to processes, in the order of their start. To start Node and to read our code takes
 * longer than most files take themselves, so that the other files of a folder share a process; each leaves
 * it as it found it.
 */
export function processesFor(files) {
  const begins = (list) => (file) => list.findIndex((part) => file.startsWith(part));
  const [rank, place] = [begins(longest), begins(apart)];
  const first = files.filter((file) => rank(file) >= 0).sort((a, b) => rank(a) - rank(b));
  const last = files.filter((file) => rank(file) < 0 && place(file) >= 0);
  const together = new Map();
  for (const file of files.filter((each) => !first.includes(each) && !last.includes(each))) {
    const folder = folderOf(file);
    together.set(folder, [...(together.get(folder) ?? []), file]);
  }
  const alone = (file) => ({ name: file.replace(/\.test\.ts$/, ''), files: [file] });
  const shared = [...together].flatMap(([name, members]) => inParts(name, members));
  return [...first.map(alone), ...shared, ...last.map(alone)];
}

/** Many of them mostly wait: a process with all files of a folder would still run when the others are done. */
const most = 8;

function inParts(name, files) {
  const parts = Array.from({ length: Math.ceil(files.length / most) }, (_, part) =>
    files.slice(part * most, (part + 1) * most),
  );
  return parts.map((members, part) => ({ name: `${name}-${part + 1}`, files: members }));
}

/** The provider or the folder that a file belongs to; small folders count as one. */
function folderOf(file) {
  const folder = /^(providers\/[^/]+|[^/]+)\//.exec(file)?.[1] ?? '';
  return ['', 'docs', 'guest', 'tools', 'providers/command'].includes(folder) ? 'others' : folder;
}

// The scripts' own test asks for the names.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  process.stdout.write(`${(await filesOf(root, process.argv.slice(2))).join('\n')}\n`);
}
