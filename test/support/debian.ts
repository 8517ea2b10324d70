import { existsSync } from 'node:fs';

/** Why a test that needs a file of Debian's is skipped; in CI every package has to be there. */
export function skipWithout(file: string, debianPackage: string): string | false {
  if (existsSync(file)) return false;
  if (process.env['CI'] === 'true') return false;
  return `${file} is missing: apt-get install ${debianPackage}`;
}
