import type { Context, Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { openStore, type Store } from '../api/store.ts';
import type { Settings } from '../settings.ts';

/** The settings that say what shall go wrong. */
export type Script = Pick<
  Settings,
  'delay_ms' | 'slow_task_ms' | 'fail_actions' | 'fail_kind' | 'fail_at'
>;

/** The values that one call works with. */
export interface Session<S extends Script = Settings> {
  readonly settings: S;
  readonly context: Context;
  readonly store: Store;
  /** Everything that the simulated system keeps is in it. */
  readonly folder: string;
  /** Stands for the time that a real system takes for a change; `what` as in "copying the disk". */
  task(what: string, deadline: Deadline): Promise<void>;
}

/**
 * Opens the simulated system as the operator's script wants it: late, slow, or failing.
 *
 * The script comes from settings alone, so that no instance can make its host wait.
 */
export async function openSession<S extends Script>(
  settings: S,
  context: Context,
): Promise<Session<S>> {
  const { delay_ms, fail_at, fail_kind } = settings;
  const { action = '', deadline } = context;
  if (delay_ms > 0) await deadline.sleep(delay_ms, 'waiting for the scripted delay');
  const folder = context.stateDirectory('simulator');
  const real = openStore(folder, deadline);
  const fails = isAmong(action, settings.fail_actions ?? []);
  const store = fails && fail_kind === 'blind' ? withHidden(real, action) : real;
  const failAt = (point: Script['fail_at']): void => {
    if (!fails || fail_at !== point || fail_kind === 'blind') return;
    real.note(`${new Date().toISOString()} ${action} ${fail_kind}`);
    throw scripted(action, fail_kind);
  };
  failAt('start');
  const task = async (what: string, until: Deadline): Promise<void> => {
    await pass(settings.slow_task_ms, what, until);
    failAt('task');
  };
  return { settings, context, store, folder, task };
}

/** Looks at the clock again and again, as one does at a real task, so that it ends with the deadline. */
async function pass(ms: number, what: string, deadline: Deadline): Promise<void> {
  if (ms === 0) return;
  const endMs = performance.now() + ms;
  await poll(deadline, what, async () => (performance.now() >= endMs ? true : undefined), {
    mostMs: 100,
  });
}

function isAmong(action: string, failing: readonly string[]): boolean {
  return failing.some((each) => each === '*' || each.toLowerCase() === action.toLowerCase());
}

/** As a real system answers an account that has lost its rights: no error, and no machine. */
function withHidden(store: Store, action: string): Store {
  store.note(`${new Date().toISOString()} ${action} blind`);
  return { ...store, visibility: () => 'hidden', list: () => [] };
}

function scripted(action: string, kind: Exclude<Script['fail_kind'], 'blind'>): Failure {
  return new Failure(kind, `The simulator failed ${action} because its settings say so`, {
    advice: 'Remove the setting fail_actions',
  });
}
