import { randomUUID } from 'node:crypto';
import type { Call } from './call.ts';
import { apiError, die } from './errors.ts';
import { changing, checkLock } from './sdn-change.ts';
import { isPending } from './sdn-views.ts';

/* The lock of 9.x: without an owner, and without an end of its own. */

const source = '/usr/share/perl5/PVE/API2/Network/SDN.pm';

export function takeLock(call: Call): string {
  const { state, params } = call;
  const opening = 'could not acquire lock for SDN config';
  changing({ ...call, params: {} }, opening, () => {
    if (params['allow-pending'] !== '1' && isPending(state)) {
      die(`configuration has pending changes at ${source} line 150.`);
    }
  });
  state.sdn.lock = randomUUID();
  return state.sdn.lock;
}

export function dropLock({ state, params }: Call): void {
  if (params['force'] !== '1') {
    try {
      checkLock(state, params['lock-token']);
    } catch (thrown) {
      throw apiError(500, `could not release lock: ${(thrown as Error).message}`);
    }
  }
  state.sdn.lock = undefined;
}

/** Throws away every pending change of everybody. */
export function rollback(call: Call): void {
  const { state, params } = call;
  changing(call, 'could not rollback SDN config', () => {
    for (const kind of ['zones', 'vnets'] as const) {
      state[kind].clear();
      for (const [id, object] of state.sdn.running[kind]) state[kind].set(id, object);
    }
  });
  if (params['release-lock'] === '1') state.sdn.lock = undefined;
}
