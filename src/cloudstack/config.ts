import { readFileSync, statSync } from 'node:fs';
import * as v from 'valibot';
import { expectFailure, Failure } from '../failure.ts';
import { issueWords, members } from '../kit/issue-words.ts';
import { type Level, levels } from '../kit/log.ts';
import { systemCode } from '../kit/system-error.ts';
import type { StatusLimits } from './split-timeout.ts';

export { defaultConfigFile } from './config-file.ts';

/** The content of `/etc/outrigger/config.json`; the program writes to no path but those in here. */
export interface Config {
  readonly log: { readonly enabled: boolean; readonly level: Level; readonly file: string };
  readonly memo: { readonly seconds: number; readonly directory: string };
  /** For providers that keep their state on this server; unset means the user's home. */
  readonly stateDirectory: string | undefined;
  readonly secretsDirectory: string;
  readonly drivers: {
    readonly directory: string;
    /** The user whom drivers have to belong to: root, or the calling user. */
    readonly owner: 'root' | 'caller';
    /** The variables that drivers get besides PATH and LANG. */
    readonly environment: Readonly<Record<string, string>>;
  };
  readonly keepPayloads: boolean;
  /** The seconds that the status calls get, where the operator says so. */
  readonly limits: StatusLimits;
}

const logDirectory = '/var/log/cloudstack/management';

/** The configuration with its defaults; a missing file counts as empty, a broken one throws `config`. */
export function readConfig(file: string): Config {
  return withDefaults(isThere(file) ? parse(file) : {});
}

/** The log settings, even of a broken configuration as far as they are readable; never throws. */
export function readLogConfig(file: string): Config['log'] {
  try {
    const given = v.safeParse(v.object({ log: logSchema() }), isThere(file) ? readJson(file) : {});
    return withDefaults(given.success ? given.output : {}).log;
  } catch (thrown) {
    expectFailure(thrown);
    return withDefaults({}).log;
  }
}

function withDefaults(given: Given): Config {
  const logFile = given.log?.file ?? `${logDirectory}/outrigger.log`;
  const beside = logFile.slice(0, logFile.lastIndexOf('/'));
  return {
    log: {
      enabled: given.log?.enabled ?? true,
      level: given.log?.level ?? 'info',
      file: logFile,
    },
    memo: {
      seconds: given.memo?.seconds ?? 30,
      directory: given.memo?.directory ?? `${beside}/outrigger-memo`,
    },
    stateDirectory: given.state_directory,
    secretsDirectory: given.secrets_directory ?? '/etc/outrigger/secrets',
    drivers: {
      directory: given.drivers?.directory ?? '/etc/outrigger/drivers',
      owner: given.drivers?.owner ?? 'root',
      environment: given.drivers?.environment ?? {},
    },
    keepPayloads: given.keep_payloads ?? false,
    limits: { status: given.status_seconds, statuses: given.statuses_seconds },
  };
}

function isThere(file: string): boolean {
  const found = attempt(file, () => statSync(file, { throwIfNoEntry: false }));
  // Reading a pipe or a device in its place could take for ever.
  if (found?.isFile() === false) throw unreadable(file, 'it is not a regular file');
  return found !== undefined;
}

type Given = v.InferOutput<ReturnType<typeof schema>>;

function schema() {
  const memo = members({
    seconds: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(300))),
    directory: path(),
  });
  return members({
    log: logSchema(),
    memo: v.optional(memo),
    state_directory: path(),
    secrets_directory: path(),
    drivers: v.optional(driversSchema()),
    keep_payloads: v.optional(v.boolean()),
    status_seconds: limit(),
    statuses_seconds: limit(),
  });
}

function driversSchema() {
  return members({
    directory: path(),
    owner: v.optional(v.picklist(['root', 'caller'])),
    environment: v.optional(v.record(v.string(), v.string())),
  });
}

function logSchema() {
  const log = { enabled: v.optional(v.boolean()), level: v.optional(v.picklist(levels)) };
  return v.optional(members({ ...log, file: path() }));
}

function limit() {
  const wants = 'must be a whole number from 2 to 60';
  return v.optional(
    v.pipe(v.number(wants), v.integer(wants), v.minValue(2, wants), v.maxValue(60, wants)),
  );
}

function path() {
  const wants = 'must be an absolute path';
  return v.optional(v.pipe(v.string(), v.regex(/^\/[^\0]*[^/\0]$/, wants)));
}

function parse(file: string): Given {
  const result = v.safeParse(schema(), readJson(file));
  if (result.success) return result.output;
  throw new Failure('config', `${file} is invalid: ${issueWords(result.issues)}`, {
    advice: 'Correct the file; every management server needs the same one',
  });
}

function readJson(file: string): unknown {
  const text = attempt(file, () => readFileSync(file, 'utf8'));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(file, `it is no JSON: ${(error as Error).message}`, error);
  }
}

function attempt<T>(file: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    const code = systemCode(error);
    throw code === 'EACCES' || code === 'EPERM'
      ? unreadable(file, `this user may not read it (${code})`, error, `chmod 0644 ${file}`)
      : unreadable(file, code, error);
  }
}

function unreadable(
  file: string,
  why: string,
  cause?: unknown,
  advice = 'Correct the file or remove it',
): Failure {
  return new Failure('config', `${file} cannot be read: ${why}`, { cause, advice });
}
