import { getFips } from 'node:crypto';
import type { Check } from '../../provider.ts';
import { asTruth } from '../version.ts';
import { ok, warn } from './finding.ts';

/** What matters of the Node.js that runs this: how it was built decides how fast calls start. */
export interface Build {
  readonly version: string;
  readonly path: string;
  readonly snapshot: boolean | undefined;
  readonly codeCache: boolean | undefined;
  readonly fips: boolean;
}

/** The build that is running. */
export function thisBuild(): Build {
  const variables = process.config.variables as Readonly<Record<string, unknown>>;
  return {
    version: process.version,
    path: process.execPath,
    snapshot: asTruth(variables['node_use_node_snapshot']),
    codeCache: asTruth(variables['node_use_node_code_cache']),
    fips: getFips() === 1,
  };
}

/** What the build means for an operator. */
export function nodeChecks(build: Build): Check[] {
  const { version, path, snapshot, codeCache, fips } = build;
  const found = `${version} at ${path}`;
  const slow = snapshot === false || codeCache === false;
  return [
    slow
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
