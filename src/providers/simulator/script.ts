import type { Context } from '../../contract/context.ts';
import { Failure } from '../../failure.ts';
import { poll } from '../../kit/poll.ts';
import type { Settings } from './settings.ts';
import { openStore, type Store } from './store.ts';

/** What one action works with. */
export interface Rig {
  readonly settings: Settings;
  readonly context: Context;
  readonly store: Store;
  /** Stands for the time that a real system takes for a change; `what` as in "copying the disk". */
  task(what: string): Promise<void>;
}

/**
 * Runs one action by the operator's script: delayed, slow, or failing where the settings say so.
 *
 * The script comes from settings alone, so that no instance can make its host wait.
 */
export async function perform<T>(
  action: string,
  settings: Settings,
  context: Context,
  work: (rig: Rig) => Promise<T>,
): Promise<T> {
  const { delay_ms, fail_at, fail_kind } = settings;
  if (delay_ms > 0) await context.deadline.sleep(delay_ms, 'waiting for the scripted delay');
  const real = openStore(context.stateDirectory('simulator'), context.deadline);
  const fails = isAmong(action, settings.fail_actions ?? []);
  const store = fails && fail_kind === 'blind' ? blinded(real, action) : real;
  const strike = (point: Settings['fail_at']): void => {
    if (!fails || fail_at !== point || fail_kind === 'blind') return;
    real.note(`${new Date().toISOString()} ${action} ${fail_kind}`);
    throw scripted(action, fail_kind);
  };
  strike('start');
  return work({
    settings,
    context,
    store,
    async task(what) {
      await pass(settings.slow_task_ms, what, context);
      strike('task');
    },
  });
}

/** Looks at the clock again and again, as one does at a real task, so that it ends with the deadline. */
async function pass(ms: number, what: string, { deadline }: Context): Promise<void> {
  if (ms === 0) return;
  const endMs = performance.now() + ms;
  await poll(deadline, what, async () => (performance.now() >= endMs ? true : undefined), {
    mostMs: 100,
  });
}

function isAmong(action: string, failing: readonly string[]): boolean {
  return failing.some((each) => each === '*' || each.toLowerCase() === action.toLowerCase());
}

/** What a system shows to somebody who lost his rights: no error, just nothing. */
function blinded(store: Store, action: string): Store {
  store.note(`${new Date().toISOString()} ${action} blind`);
  return { ...store, sight: () => 'blind', list: () => [] };
}

function scripted(action: string, kind: Exclude<Settings['fail_kind'], 'blind'>): Failure {
  return new Failure(kind, `The simulator failed ${action} because its settings say so`, {
    advice: 'Remove the setting fail_actions',
  });
}
