import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { Failure, fullText } from '../../../failure.ts';
import type { Script } from '../machine/session.ts';
import { connect } from './driver.ts';

/** The checks of `doctor` for simulated networks: whether every file of theirs can be read. */
export async function checks(settings: Script, context: Context): Promise<readonly Check[]> {
  const unscripted = { ...settings, delay_ms: 0, fail_actions: [] };
  const { networks, guests } = await connect(unscripted, context);
  const { deadline, installation } = context;
  return [
    await counted('networks', async () => {
      const all = (await networks?.list(deadline)) ?? [];
      const own = all.filter(
        ({ mark }) => typeof mark === 'object' && mark.installation === installation,
      );
      return `${all.length} networks, ${own.length} of them this installation's`;
    }),
    await counted('data of guests', async () => {
      const records = (await guests?.read('all', deadline)) ?? [];
      return `${records.length} NICs of this installation have some`;
    }),
  ];
}

async function counted(name: string, count: () => Promise<string>): Promise<Check> {
  try {
    return { name, state: 'ok', found: await count() };
  } catch (thrown) {
    return { name, state: 'fail', found: fullText(Failure.from(thrown)) };
  }
}
