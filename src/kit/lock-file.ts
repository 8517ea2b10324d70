import { lstatSync, readFileSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import type { Deadline } from '../contract/context.ts';
import { Failure } from '../failure.ts';
import { poll } from './poll.ts';
import { systemCode } from './system-error.ts';

/**
 * Runs the work while no other process on this machine, and no other call in this one, holds `path`.
 *
 * Waits for the holder as long as the deadline lets it; a holder that was killed is noticed and its
 * lock taken over. `what` says in the failure what was waited for.
 */
export async function withLock<T>(
  path: string,
  { deadline, what }: { readonly deadline: Deadline; readonly what: string },
  work: () => Promise<T>,
): Promise<T> {
  const look = async (): Promise<true | undefined> => tryAcquire(path) || undefined;
  await poll(deadline, `waiting for ${what}`, look, { firstMs: 5, mostMs: 200 });
  try {
    return await work();
  } finally {
    release(path);
  }
}

function release(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // An operator may have removed it by hand; what the work came to stands all the same.
    systemCode(error);
  }
}

/**
 * A link is made in one step together with its content, so that there never is a lock without a
 * holder; the link points nowhere, its text is the holder.
 */
function tryAcquire(path: string): boolean {
  try {
    symlinkSync(ownIdentity(), path);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EEXIST') {
      throw new Failure('upstream', `Could not make the lock ${path}: ${code}`, { cause: error });
    }
  }
  const holder = holderOf(path);
  if (holder !== undefined && !isAlive(holder, path)) takeAway(path, holder);
  return false;
}

/**
 * Removes the lock of a dead holder. The name of the second lock holds that holder, which never
 * comes back: the process that has it may remove this one lock and cannot hit one that was made since.
 */
function takeAway(path: string, holder: string): void {
  const right = `${path}.${holder}`;
  if (!tryAcquire(right)) return;
  try {
    if (holderOf(path) === holder) unlinkSync(path);
  } finally {
    unlinkSync(right);
  }
}

function holderOf(path: string): string | undefined {
  let holder: string;
  try {
    holder = readlinkSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw inTheWay(path, error);
  }
  if (!/^\d+\.\d+\.[0-9a-f]+$/.test(holder)) throw inTheWay(path);
  return holder;
}

function inTheWay(path: string, cause?: unknown): Failure {
  return new Failure('config', `${path} is in the way: it is not a lock`, {
    cause,
    advice: 'Remove it',
  });
}

let own: string | undefined;

/** Process id, its start and the boot: a later process with the same id is another one. */
function ownIdentity(): string {
  own ??= identify('self') ?? `0.0.${Math.random().toString(16).slice(2)}`;
  return own;
}

function isAlive(holder: string, path: string): boolean {
  const pid = holder.slice(0, holder.indexOf('.'));
  if (pid !== '0') return identify(pid) === holder;
  // Systems without /proc are for development only; there, age has to do.
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs < 600_000;
}

/** `undefined` for a process that is gone, a zombie included. */
function identify(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name in the second field may hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
    if (fields[0] === 'Z') return undefined;
    return `${stat.slice(0, stat.indexOf(' '))}.${fields[19]}.${boot}`;
  } catch (error) {
    systemCode(error);
    return undefined;
  }
}
