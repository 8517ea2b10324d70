import type { Context, Log } from '../contract/context.ts';
import { Failure } from '../failure.ts';
import { silent } from '../kit/log.ts';
import { createFileLog } from '../kit/log-file.ts';
import { createMemo, type Memo } from '../kit/memo.ts';
import { createRedactor } from '../kit/redact.ts';
import { makeStateDirectory } from '../kit/state-directory.ts';
import type { CallFacts, Known } from './call-facts.ts';
import type { Config } from './config.ts';

/** The failure memo of the endpoint that the call is for; a call that a signal ended adds nothing. */
export function memoFor({
  world,
  secrets,
  config,
  memoKey,
  deadline,
}: Known<'config' | 'memoKey' | 'deadline'>): Memo {
  const { uid, mayCreate } = world;
  const clean = (text: string): string => createRedactor(secrets).text(text);
  const memo = createMemo({ ...config.memo, uid, mayCreate, clean }, memoKey, () =>
    world.time().getTime(),
  );
  return {
    ...memo,
    remember: async (failure) => (deadline.wasCutShort() ? undefined : memo.remember(failure)),
  };
}

/** The parts of this process that the provider may use. */
export function contextFor({
  world,
  log,
  config,
  deadline,
  core,
}: Known<'config' | 'deadline' | 'core'>): Context {
  return {
    deadline,
    log,
    installation: core.installation ?? '',
    stateDirectory(name) {
      const setting = `"state_directory" in ${world.configFile}`;
      const place = config.stateDirectory ?? homePlace(world.home, setting);
      return makeStateDirectory(`${place}/${name}`, world.uid, setting);
    },
  };
}

function homePlace(home: string | undefined, setting: string): string {
  if (home?.startsWith('/') === true) return `${home.replace(/\/+$/, '')}/.local/state/outrigger`;
  throw new Failure('config', 'No directory for state: HOME is not set for this user', {
    advice: `Set ${setting} to a directory that this user can write to`,
  });
}

/** The log as the configuration wants it; each line carries the facts known when it is written. */
export function openLog({ enabled, file, level }: Config['log'], current: () => CallFacts): Log {
  if (!enabled) return silent;
  const { world } = current();
  const place = {
    file,
    level,
    mayCreate: world.mayCreate,
    mostBytes: 10 * 1024 * 1024,
    keep: 5,
  };
  const call = `${world.pid}-${Math.round(world.time().getTime()).toString(36)}`;
  const line = () => ({ ...lineFacts(current()), call });
  return createFileLog(place, line, world.time, () => createRedactor(current().secrets));
}

function lineFacts({ world, ref, args, instance, provider, caller }: CallFacts) {
  return {
    ref,
    pid: world.pid,
    host: world.hostname(),
    action: args?.action,
    vm: instance?.uuid,
    name: instance?.name,
    provider: provider?.name,
    caller: caller?.account,
  };
}
