import { type Failure, reworded } from '../../failure.ts';
import { createMemo, memoKey } from '../../kit/memo.ts';
import { createRedactor } from '../../kit/redact.ts';
import type { Known } from '../call-facts.ts';

/**
 * The failure as it is, or, when the same command has failed alike moments ago, as a repetition of that
 * one: its answer then carries the reference of the first, and its line is for level debug.
 */
export async function repeated(
  failure: Failure,
  facts: Known<'args' | 'config' | 'network'>,
): Promise<Failure> {
  const { args, config, network, endpoint, world, secrets, ref } = facts;
  const clean = (text: string): string => createRedactor(secrets).text(text);
  const place = { ...config.memo, uid: world.uid, mayCreate: world.mayCreate, clean };
  const identity = [endpoint?.(), args.action, network.id, network.nic];
  const memo = createMemo(
    place,
    () => memoKey(JSON.stringify(identity)),
    () => world.time().getTime(),
  );
  const before = await memo.recall();
  if (before?.message.startsWith(clean(failure.message)) === true && before.ref !== undefined) {
    return reworded(failure, {}, { reason: 'remembered', ref: before.ref });
  }
  await memo.remember(failure, ref);
  return failure;
}
