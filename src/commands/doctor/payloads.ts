import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Check } from '../../contract/provider.ts';
import {
  type Account,
  barrier,
  entryAt,
  isHidden,
  may,
  modeOf,
  nearestThere,
  ownerOf,
} from './account.ts';
import { fail, ok, skipped, warn } from './finding.ts';

const dayMs = 24 * 3600 * 1000;
const name = 'payloads';

/** The directory in which CloudStack writes a payload before each call, as far as this user sees it. */
export function payloadChecks(account: Account): Check[] {
  if (account.home === undefined || account.home === '')
    return [skipped(name, `${account.name} has no home, below which CloudStack writes payloads`)];
  const directory = join(account.home, 'extensions');
  if (isHidden(directory))
    return [skipped(name, `${directory} is hidden from the user that runs doctor`)];
  const found = entryAt(directory);
  return found === undefined ? [comingCheck(directory, account)] : [thereCheck(directory, account)];
}

/** CloudStack makes the directory at its first call, with those above it. */
function comingCheck(directory: string, account: Account): Check {
  const above = nearestThere(dirname(directory));
  const folder = entryAt(above);
  if (folder === undefined || !may(account, 'write', folder)) {
    return warn(
      name,
      `${directory} is not there, and ${account.name} may not make it in ${above}: no call would get a payload`,
      `install -d -o ${account.name} -g ${account.name} -m 0750 ${directory}`,
    );
  }
  return ok(name, `${directory} will be made by CloudStack`);
}

function thereCheck(directory: string, account: Account): Check {
  const found = statSync(directory);
  const shown = `${ownerOf(found)}, mode ${modeOf(found)}`;
  if (!found.isDirectory() || !may(account, 'write', found)) {
    return fail(
      name,
      `${account.name} may not write in ${directory} (${shown}): CloudStack cannot call any extension`,
      `chown ${account.name}: ${directory}`,
    );
  }
  const old = countOld(directory);
  if (old > 0) {
    return warn(
      name,
      `${old} payload file${old === 1 ? '' : 's'} in ${directory}, older than two days, with secrets in clear`,
      `CloudStack removes them at its next call; of an extension that is gone nothing does: find ${directory} -name '*.json' -mtime +1 -delete`,
    );
  }
  const stranger: Account = { name: 'another user', uid: -1, gids: [], home: undefined };
  return barrier(stranger, join(directory, 'x')) !== undefined
    ? ok(name, `${directory}: ${shown}`)
    : warn(
        name,
        `every user of this server may enter ${directory} (${shown}), whose files hold secrets`,
        `chmod o-rx ${directory}`,
      );
}

function countOld(directory: string): number {
  const before = Date.now() - 2 * dayMs;
  try {
    return readdirSync(directory, { recursive: true })
      .map((each) => entryAt(join(directory, String(each))))
      .filter((each) => each?.isFile() === true && each.mtimeMs < before).length;
  } catch {
    // A file that goes away meanwhile was not old, and a folder that cannot be read shows nothing.
    return 0;
  }
}
