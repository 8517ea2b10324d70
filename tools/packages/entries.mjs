import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Every folder, file and link below a folder, in the order of their paths: `{ path, kind, content }`. */
export function entriesOf(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map((path) => entryAt(folder, path));
}

function entryAt(folder, path) {
  const at = join(folder, path);
  const stats = lstatSync(at);
  if (stats.isDirectory()) return { path, kind: 'folder', content: Buffer.alloc(0) };
  if (stats.isSymbolicLink()) return { path, kind: 'link', content: Buffer.from(readlinkSync(at)) };
  return { path, kind: 'file', content: readFileSync(at) };
}
