import { getFips } from 'node:crypto';

/** The facts about this Node.js that matter: how it was built decides how fast calls start. */
export interface Build {
  readonly version: string;
  readonly path: string;
  readonly snapshot: boolean | undefined;
  readonly codeCache: boolean | undefined;
  readonly openssl: string | undefined;
  readonly fips: boolean;
}

/** Whether every call pays for a build without snapshot or code cache; false for who does not say. */
export function isSlow({ snapshot, codeCache }: Pick<Build, 'snapshot' | 'codeCache'>): boolean {
  return snapshot === false || codeCache === false;
}

/** The build that is running. */
export function thisBuild(): Build {
  const variables = process.config.variables as Readonly<Record<string, unknown>>;
  return {
    version: process.version,
    path: process.execPath,
    snapshot: asTruth(variables['node_use_node_snapshot']),
    codeCache: asTruth(variables['node_use_node_code_cache']),
    openssl: process.versions.openssl,
    fips: getFips() === 1,
  };
}

// node-gyp's variables are booleans in some builds and 0 or 1 in others.
function asTruth(value: unknown): boolean | undefined {
  return value === undefined ? undefined : value === true || value === 1 || value === 'true';
}
