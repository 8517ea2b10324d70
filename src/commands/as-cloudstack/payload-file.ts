import { randomUUID } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** JSON as CloudStack writes it: compact, nulls left out, HTML's special characters escaped. */
export function payloadText(payload: unknown): string {
  const text = JSON.stringify(payload, (_, value: unknown) => (value === null ? undefined : value));
  return text.replace(
    /[<>&='\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Writes a payload the way CloudStack does, readable for everybody who gets into the directory. */
export function writePayload(
  directory: string,
  payload: unknown,
  name: string = randomUUID(),
): string {
  const path = join(directory, `${name}.json`);
  writeFileSync(path, payloadText(payload));
  chmodSync(path, 0o644);
  return path;
}
