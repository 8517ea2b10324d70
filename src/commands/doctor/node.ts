import type { Check } from '../../contract/provider.ts';
import { type Build, isSlow } from '../node-build.ts';
import { ok, warn } from './finding.ts';

/** What the build means for an operator. */
export function nodeChecks(build: Omit<Build, 'openssl'>): Check[] {
  const { version, path, fips } = build;
  const found = `${version} at ${path}`;
  return [
    isSlow(build)
      ? warn(
          'Node.js',
          `${found}, built without snapshot or code cache`,
          'Every call starts about 3 times slower: use a build from nodejs.org or NodeSource',
        )
      : ok('Node.js', found),
    fips
      ? warn(
          'FIPS',
          'Node.js runs in FIPS mode',
          'MD4 and MD5 are missing there: NTLM logins cannot work, use another way to log in',
        )
      : ok('FIPS', 'off'),
  ];
}
