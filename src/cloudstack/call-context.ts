import type { Context } from '../contract/context.ts';
import { Failure } from '../failure.ts';
import { createMemo, type Memo, memoKey } from '../kit/memo.ts';
import { createRedactor } from '../kit/redact.ts';
import { makeStateDirectory } from '../kit/state-directory.ts';
import type { Known } from './call-facts.ts';

/** The failure memo of the endpoint that the call is for; a call that a signal ended adds nothing. */
export function memoFor({
  world,
  ref,
  secrets,
  config,
  endpoint,
  deadline,
}: Known<'config' | 'endpoint' | 'deadline'>): Memo {
  const { uid, mayCreate } = world;
  const clean = (text: string): string => createRedactor(secrets).text(text);
  const memo = createMemo(
    { ...config.memo, uid, mayCreate, clean },
    () => memoKey(endpoint()),
    () => world.time().getTime(),
  );
  return {
    ...memo,
    remember: async (failure) => (deadline.wasCutShort() ? undefined : memo.remember(failure, ref)),
  };
}

/** The parts of this process that the provider may use. */
export function contextFor(
  { world, log, config, deadline, core }: Known<'config' | 'deadline' | 'core'>,
  suspect: boolean,
): Context {
  return {
    deadline,
    log,
    suspect,
    installation: core.installation ?? '',
    stateDirectory: (name) => stateDirectoryFor({ world, config }, name),
  };
}

/** A directory for notes between calls, made on demand. */
export function stateDirectoryFor(
  { world, config }: Pick<Known<'config'>, 'world' | 'config'>,
  name: string,
): string {
  const setting = `"state_directory" in ${world.configFile}`;
  const place = config.stateDirectory ?? homePlace(world.home, setting);
  return makeStateDirectory(`${place}/${name}`, world.uid, setting);
}

function homePlace(home: string | undefined, setting: string): string {
  if (home?.startsWith('/') === true) return `${home.replace(/\/+$/, '')}/.local/state/outrigger`;
  throw new Failure('config', 'No directory for state: HOME is not set for this user', {
    advice: `Set ${setting} to a directory that this user can write to`,
  });
}
