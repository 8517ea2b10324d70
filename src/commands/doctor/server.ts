import { readConfig } from '../../cloudstack/config.ts';
import type { Check } from '../../contract/provider.ts';
import { Failure, fullText } from '../../failure.ts';
import type { CommandWorld } from '../command.ts';
import { type Build, isSlow } from '../node-build.ts';
import { type Account, entryAt, modeOf, ownerOf } from './account.ts';
import { fail, ok, warn } from './finding.ts';

/** The consequences of this build of Node.js for an operator. */
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

export type Config = ReturnType<typeof readConfig>;

/** The configuration, or the finding why it cannot be read. */
export function attemptConfig(file: string): { readonly value?: Config; readonly check: Check } {
  try {
    return { value: readConfig(file), check: configCheck(file) };
  } catch (thrown) {
    return { check: fail('configuration', fullText(Failure.from(thrown))) };
  }
}

/** A user who may change the configuration decides which files the service writes. */
function configCheck(file: string): Check {
  const found = entryAt(file);
  if (found === undefined) return ok('configuration', `no ${file}: the defaults hold`);
  if (found.uid === 0 && (found.mode & 0o022) === 0) return ok('configuration', file);
  const shown = `${ownerOf(found)}, mode ${modeOf(found)}`;
  const advice = `chown root ${file}; chmod 0644 ${file}`;
  return warn('configuration', `others than root may change ${file} (${shown})`, advice);
}

/** The account with whose rights the other checks are made. */
export function accountCheck(user: string, account: Account | undefined, who: Account): Check {
  if (account !== undefined) return ok('user', `${account.name}, uid ${account.uid}`);
  return warn(
    'user',
    `there is no user "${user}" here: looked at with the rights of uid ${who.uid}`,
    'Run it on a management server, or name the user with --user',
  );
}

/** The user of this process, where the service has no user. */
export function ourselves({ env }: CommandWorld): Account {
  const gids = [process.getgid?.() ?? -1, ...(process.getgroups?.() ?? [])];
  return { name: 'this user', uid: process.getuid?.() ?? -1, gids, home: env['HOME'] };
}
