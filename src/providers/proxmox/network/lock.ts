import type { Undo } from '../../../contract/context.ts';
import { expectFailure, Failure, remoteMessage, reworded, statusOf } from '../../../failure.ts';
import { readNote, removeNote, writeNote } from '../../../kit/note-file.ts';
import { retryWhile } from '../../../kit/retry.ts';
import { systemCode } from '../../../kit/system-error.ts';
import { textOf } from '../api/wire.ts';
import { notFinished, readUnlessForeign } from './foreign.ts';
import type { NetworkSession } from './session.ts';

/*
 * The lock of Proxmox VE 9 over the whole SDN configuration. It has no owner and never ends by itself, so
 * that it is held for a few requests only, and its token is kept in a file: a call that finds the lock of
 * a killed one of this server releases it.
 */

const lock = '/cluster/sdn/lock';

/** Parameters that go with every change while the lock is held; none before release 9. */
export type LockToken = { readonly 'lock-token'?: string };

/**
 * Runs the work with the lock held. The work releases it with its apply; when it fails the lock is
 * released while all else is taken back.
 */
export async function whileLocked<T>(
  session: NetworkSession,
  undo: Undo,
  work: (token: LockToken) => Promise<T>,
): Promise<T> {
  const token = await takeLock(session);
  if (token === undefined) return work({});
  let held = true;
  keepToken(session, token);
  undo.add('release the lock of the SDN configuration', async (deadline) => {
    if (held) await release(session.at(deadline), token);
  });
  const result = await work({ 'lock-token': token });
  held = false;
  forgetToken(session);
  return result;
}

async function release(session: NetworkSession, token: string): Promise<void> {
  const ask = { what: 'release the lock of the SDN configuration' };
  try {
    await session.api.send('DELETE', lock, { ...ask, query: { 'lock-token': token } });
  } catch (thrown) {
    throw reworded(expectFailure(thrown), { advice: breaking });
  }
  forgetToken(session);
}

const breaking =
  'If no other program is changing the SDN, break the lock on a node: pvesh delete /cluster/sdn/lock --force 1';

/** The token, or `undefined` where the release knows no lock. */
async function takeLock(session: NetworkSession): Promise<string | undefined> {
  const { api, context } = session;
  const patienceMs = api.deadline.remainingMs() / 2;
  try {
    return await retryWhile(
      {
        deadline: api.deadline,
        doing: 'waiting for the lock of the SDN configuration',
        pauseMs: (thrown) =>
          isLocked(thrown) && api.deadline.remainingMs() > patienceMs ? pause() : undefined,
        onRepeat: () => context.log('sdn.locked', { level: 'debug' }),
        unlessDone: async () => {
          await releaseLeftOver(session);
          return undefined;
        },
      },
      () => askForLock(session),
    );
  } catch (thrown) {
    if (statusOf(thrown) === 501) return undefined;
    throw isLocked(thrown) ? stillLocked(thrown) : thrown;
  }
}

/** Two servers that wait for each other do not meet again at once. */
function pause(): number {
  return 200 + Math.random() * 600;
}

/** Refused while anything waits for an apply, seen by the token or not; changes of ours may wait. */
async function askForLock(session: NetworkSession): Promise<string> {
  try {
    return await post(session, {});
  } catch (thrown) {
    if (!/configuration has pending changes/.test(remoteMessage(thrown))) throw thrown;
    const { vnets } = await readUnlessForeign(session);
    const own = vnets.filter(({ state }) => state !== 'applied');
    if (own.length === 0) throw notFinished('some that the API token may not see');
    session.context.log('sdn.unfinished', { vnets: own.map(({ remoteId }) => remoteId) });
    return post(session, { 'allow-pending': 1 });
  }
}

async function post(
  { api }: NetworkSession,
  form: Readonly<Record<string, number>>,
): Promise<string> {
  const { data } = await api.send('POST', lock, { what: 'lock the SDN configuration', form });
  const token = textOf(data);
  if (token !== undefined) return token;
  throw new Failure('upstream', 'Could not lock the SDN configuration: no token was answered');
}

/** Another program holds the lock: nothing was changed. */
export function isLocked(thrown: unknown): boolean {
  return /invalid lock token provided/.test(remoteMessage(thrown));
}

export function stillLocked(thrown: unknown): Failure {
  const { message: text, remote } = expectFailure(thrown);
  return new Failure('conflict', `${text}: another program holds the lock of the SDN`, {
    advice: breaking,
    tenant: 'The network is being changed by an administrator; please try again later',
    remote,
  });
}

// ---- the token of a call that was killed ----

/** No call of ours holds the lock for longer. */
const oldMs = 90_000;

async function releaseLeftOver(session: NetworkSession): Promise<void> {
  const note = onFile(() => readNote(fileOf(session), Date.now()));
  if (note === undefined || note.text === '' || note.ageMs < oldMs) return;
  session.context.log('sdn.lock-left', { level: 'warn', ageMs: Math.round(note.ageMs) });
  try {
    await release(session, note.text);
  } catch (thrown) {
    // Another program's lock: the one of the note has gone.
    if (!isLocked(thrown)) throw thrown;
    forgetToken(session);
  }
}

function keepToken(session: NetworkSession, token: string): void {
  onFile(() => writeNote(fileOf(session), token));
}

function forgetToken(session: NetworkSession): void {
  onFile(() => removeNote(fileOf(session)));
}

/** Where no file can be written, an operator has to break a lock that is left behind. */
function onFile<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    return undefined;
  }
}

/** A file for each cluster, as far as its address tells. */
function fileOf({ settings, context }: NetworkSession): string {
  const name = settings.url.replace(/[^A-Za-z0-9.-]+/g, '_').slice(0, 100);
  return `${context.stateDirectory('proxmox')}/sdn-lock-${name}`;
}
