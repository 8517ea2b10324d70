import { dirname } from 'node:path';
import type { Config } from '../../cloudstack/config.ts';
import type { Check } from '../../contract/provider.ts';
import { type Account, barrier, entryAt, isHidden, may, modeOf, ownerOf } from './account.ts';
import { fail, ok, skipped, warn } from './finding.ts';

/** Whether the service can write where it has to: the log, the failure memo, the rotation. */
export function placeChecks(config: Config, account: Account): Check[] {
  const folder = dirname(config.log.file);
  if (isHidden(folder)) {
    return [
      skipped('log', `${folder} is hidden from the user that runs doctor: try it as user cloud`),
    ];
  }
  return [logCheck(config, account), rotationCheck(config, account), memoCheck(config, account)];
}

function logCheck({ log: { enabled, file } }: Config, account: Account): Check {
  if (!enabled)
    return warn('log', 'switched off', 'Without it the reason of a failed call is lost');
  const directory = entryAt(dirname(file));
  if (directory === undefined) {
    return warn(
      'log',
      `${dirname(file)} does not exist: nothing is logged`,
      'It comes with the management server; elsewhere set "log": {"file": ...} in the configuration',
    );
  }
  const found = entryAt(file);
  if (found === undefined) {
    return may(account, 'write', directory) && barrier(account, file) === undefined
      ? ok('log', `${file} will be made by ${account.name}`)
      : fail(
          'log',
          `${account.name} may not make ${file}`,
          `chown ${account.name} ${dirname(file)}`,
        );
  }
  const shown = `${ownerOf(found)}, mode ${modeOf(found)}`;
  if (!found.isFile()) return fail('log', `${file} is not a plain file`, 'Move it away');
  if (!may(account, 'write', found)) {
    return fail(
      'log',
      `${account.name} may not write ${file} (${shown}), so nothing is logged`,
      `chown ${account.name}: ${file}; a call was probably made as another user`,
    );
  }
  return (found.mode & 0o004) === 0
    ? ok('log', `${file}: ${shown}`)
    : warn('log', `everybody may read ${file} (${shown})`, `chmod 0640 ${file}`);
}

function rotationCheck({ log: { enabled, file } }: Config, account: Account): Check {
  const directory = entryAt(dirname(file));
  if (!enabled || directory === undefined) return skipped('log rotation', 'there is no log');
  return may(account, 'write', directory)
    ? ok('log rotation', `${account.name} may rotate in ${dirname(file)}`)
    : warn(
        'log rotation',
        `${account.name} may not write in ${dirname(file)}: the log only grows`,
        `chown ${account.name} ${dirname(file)}`,
      );
}

function memoCheck({ memo: { directory, seconds } }: Config, account: Account): Check {
  if (seconds === 0) {
    return warn('memo', 'switched off', 'An outage of the remote system will block host pings');
  }
  const above = entryAt(dirname(directory));
  const found = entryAt(directory);
  if (found === undefined) {
    if (above === undefined) return skipped('memo', `${dirname(directory)} does not exist`);
    return may(account, 'write', above)
      ? ok('memo', `${directory} will be made by ${account.name}`)
      : fail('memo', `${account.name} may not make ${directory}`, `chown it to ${account.name}`);
  }
  const right = found.isDirectory() && found.uid === account.uid && (found.mode & 0o077) === 0;
  return right
    ? ok('memo', `${directory}: ${ownerOf(found)}, mode ${modeOf(found)}`)
    : fail(
        'memo',
        `${directory} belongs to ${ownerOf(found)} with mode ${modeOf(found)}, so it is not used`,
        `Remove it: rm -r ${directory} (nothing in there is needed)`,
      );
}
