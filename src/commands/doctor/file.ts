import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { stamp } from '../../build-stamp.ts';
import type { Check } from '../../contract/provider.ts';
import { hashOf } from '../version.ts';
import { type Account, barrier, entryAt, may, modeOf, ownerOf } from './account.ts';
import { fail, ok, warn } from './finding.ts';

/** Whether this very file is as it was built, can be run by the service and changed by root only. */
export async function fileChecks(self: string, account: Account): Promise<Check[]> {
  return [await contentCheck(self), rightsCheck(self, account), ...neighbourChecks(self)];
}

async function contentCheck(self: string): Promise<Check> {
  const computed = await hashOf(self);
  if (computed === undefined) return fail('content', `${self} cannot be read`);
  if (computed === stamp) return ok('content', `${computed}, as it was built`);
  return fail(
    'content',
    `${self} was modified: ${computed}, built as ${stamp}`,
    'Install it again with install.sh, and compare all servers with install.sh --check',
  );
}

function rightsCheck(self: string, account: Account): Check {
  const found = entryAt(self);
  if (found === undefined) return fail('entry point', `there is no file ${self}`);
  if (found.isSymbolicLink()) {
    return warn(
      'entry point',
      `${self} is a link`,
      'CloudStack compares what it points at on all servers: better install the file itself',
    );
  }
  const shown = `${ownerOf(found)}, mode ${modeOf(found)}`;
  const wall = barrier(account, self);
  if (wall !== undefined) {
    return fail('entry point', `${account.name} may not enter ${wall}`, `chmod o+x ${wall}`);
  }
  if (!may(account, 'read', found) || !may(account, 'execute', found)) {
    return fail(
      'entry point',
      `${account.name} may not read and execute ${self} (${shown})`,
      `chmod 0755 ${self}`,
    );
  }
  if ((found.mode & 0o022) !== 0) {
    return fail('entry point', `others may change ${self} (${shown})`, `chmod go-w ${self}`);
  }
  if (found.uid !== 0 && found.uid !== account.uid) {
    return warn('entry point', shown, `chown ${account.name}: ${self}`);
  }
  return ok('entry point', `${self}: ${shown}`);
}

/** A package upgrade makes every file in an extension's directory readable for all users. */
function neighbourChecks(self: string): Check[] {
  const directory = dirname(self);
  if (!/\/extensions\/[^/]+(\/[^/]+)?$/.test(directory)) return [];
  try {
    const others = readdirSync(directory).filter((name) => name !== basename(self));
    return [
      others.length === 0
        ? ok('directory', `nothing but the entry point in ${directory}`)
        : warn(
            'directory',
            `beside the entry point in ${directory}: ${others.slice(0, 5).join(', ')}`,
            'Move it away: package upgrades make everything in there readable for everybody',
          ),
    ];
  } catch {
    return [];
  }
}
