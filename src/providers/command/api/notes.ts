import type { Log } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { systemCode } from '../../../kit/system-error.ts';

/** Works with a note of an earlier call; where this user has no place for notes, calls go on without. */
export function withNote<T>(log: Log, work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    const error = thrown instanceof Failure ? thrown.message : systemCode(thrown);
    log('driver.no-note', { error, level: 'debug' });
    return undefined;
  }
}
