import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { Failure, fullText } from '../../../failure.ts';
import { overview } from '../../../lifecycle/overview.ts';
import { listMachines } from '../machine/list.ts';
import { openSession, type Session } from '../machine/session.ts';
import type { Settings } from '../settings.ts';

/** The checks of `doctor`: whether the state can be used, and what stands in the way. */
export async function checks(settings: Settings, context: Context): Promise<readonly Check[]> {
  const script = scriptCheck(settings);
  try {
    const unscripted = { ...settings, delay_ms: 0, fail_actions: [] };
    return [...stateChecks(await openSession(unscripted, context)), script];
  } catch (error) {
    const failure = Failure.from(error);
    return [{ name: 'state', state: 'fail', found: fullText(failure) }, script];
  }
}

const nothingYet: Check = { name: 'state', state: 'ok', found: 'no machine was ever made' };

function stateChecks({ store, context }: Session): readonly Check[] {
  if (store.visibility() === 'new') return [nothingYet];
  const seen = listMachines(store);
  const { certain, doubtful, unseen } = overview(seen, context.installation);
  const found = `${seen.length} machines, ${certain.length} of them this installation's`;
  return [
    { name: 'state', state: 'ok', found },
    unseen.length === 0
      ? { name: 'files', state: 'ok', found: 'every machine can be read' }
      : {
          name: 'files',
          state: 'fail',
          found: `damaged: ${unseen.map(({ remoteId }) => remoteId).join(', ')}`,
          advice: 'Mend or remove these files; until then no machine can be proved missing',
        },
    doubtful.length === 0
      ? { name: 'ownership', state: 'ok', found: 'no machine is in doubt' }
      : {
          name: 'ownership',
          state: 'warn',
          found: `in doubt: ${doubtful.map(({ name }) => name).join(', ')}`,
          advice: 'Run `outrigger audit`',
        },
  ];
}

function scriptCheck({ fail_actions = [], delay_ms, slow_task_ms }: Settings): Check {
  const scripted = fail_actions.length > 0 || delay_ms > 0 || slow_task_ms > 0;
  return scripted
    ? {
        name: 'script',
        state: 'warn',
        found: 'failures or delays are scripted',
        advice: 'Remove fail_actions, delay_ms and slow_task_ms when the test is over',
      }
    : { name: 'script', state: 'ok', found: 'nothing is scripted' };
}
