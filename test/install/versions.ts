import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';

/** The hash that is stamped into the file, computed here on its own. */
export function contentHash(text: string): string {
  const body = text.slice(text.indexOf('\n') + 1);
  const zeroed = body.replace(/sha256:[0-9a-f]{64}/, `sha256:${'0'.repeat(64)}`);
  return createHash('sha256').update(zeroed).digest('hex');
}

/**
 * Beside `original`, a file that runs like it but is another version, with a stamp that fits. The
 * label goes over the end of the licences: the file finds its parts by their place from its end.
 */
export function otherVersion(original: string, label: string): string {
  const before = readFileSync(original, 'utf8');
  const at = before.lastIndexOf('\n*/') - label.length;
  const text = `${before.slice(0, at)}${label}${before.slice(at + label.length)}`;
  const file = `${original}-${label}`;
  writeFileSync(file, text.replace(/sha256:[0-9a-f]{64}/, `sha256:${contentHash(text)}`));
  chmodSync(file, 0o755);
  return file;
}
