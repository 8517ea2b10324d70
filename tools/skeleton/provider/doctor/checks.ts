import type { Context } from '../../../../src/contract/context.ts';
import type { Check } from '../../../../src/contract/provider.ts';
import { expectFailure, fullText } from '../../../../src/failure.ts';
import { createClient } from '../api/client.ts';
import type { Settings } from '../settings.ts';

/** For `doctor`: whether Acme answers, and whether the token sees machines. */
export async function checks(settings: Settings, context: Context): Promise<readonly Check[]> {
  const client = createClient(settings, context);
  try {
    const { length } = await client.list(context.deadline);
    return [{ name: 'machines', state: 'ok', found: `the token sees ${length} machines` }];
  } catch (thrown) {
    return [{ name: 'machines', state: 'fail', found: fullText(expectFailure(thrown)) }];
  } finally {
    client.close();
  }
}
