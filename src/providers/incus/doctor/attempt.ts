import type { Check } from '../../../contract/provider.ts';
import { expectFailure, fullText } from '../../../failure.ts';

/** A check that fails where its look does. */
export async function attempt(
  name: string,
  look: () => Promise<Omit<Check, 'name'>>,
): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (thrown) {
    return { name, state: 'fail', found: fullText(expectFailure(thrown)) };
  }
}
