import type { Context, Log } from '../contract/context.ts';
import { Failure } from '../failure.ts';
import { silent } from '../kit/log.ts';
import { createFileLog } from '../kit/log-file.ts';
import { createMemo, type Memo } from '../kit/memo.ts';
import { createRedactor } from '../kit/redact.ts';
import { makeStateDirectory } from '../kit/state-directory.ts';
import type { State } from './call.ts';
import type { Config } from './config.ts';
import type { Request } from './request.ts';

/** The failure memo of the endpoint that the request is for; an early end teaches it nothing. */
export function memoFor(state: State, { endpoint }: Request, config: Config): Memo {
  const { known, world } = state;
  const { uid, pid, mayCreate } = world;
  const clean = (text: string): string => createRedactor(known.secrets).text(text);
  const memo = createMemo({ ...config.memo, uid, pid, mayCreate, clean }, endpoint, () =>
    world.time().getTime(),
  );
  return {
    ...memo,
    remember: (failure) => (state.interrupted ? undefined : memo.remember(failure)),
  };
}

/** What the provider may use. */
export function contextFor(
  { world, log, deadline }: State,
  { core }: Request,
  config: Config,
): Context {
  if (deadline === undefined) throw new Failure('internal', 'There is no deadline yet');
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
  throw new Failure('config', 'There is no place for state: HOME is not set for this user', {
    advice: `Set ${setting} to a directory that this user can write to`,
  });
}

/** The log as the configuration wants it; each line says which call it belongs to. */
export function openLog(state: State, { enabled, file, level }: Config['log']): Log {
  const { world, known, ref, args } = state;
  if (!enabled) return silent;
  const place = {
    file,
    level,
    mayCreate: world.mayCreate,
    mostBytes: 10 * 1024 * 1024,
    keep: 5,
  };
  const call = `${world.pid}-${Math.round(world.time().getTime()).toString(36)}`;
  const facts = (): Readonly<Record<string, unknown>> => {
    const { provider, vm, name, caller } = known;
    const host = world.hostname();
    const who = { pid: world.pid, host, action: args?.action, vm, name, provider };
    return { ref, call, ...who, caller: caller?.account };
  };
  return createFileLog(place, facts, world.time, () => createRedactor(known.secrets));
}
