import { Failure, type FailureKind } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';
import { type ActionRow, actions } from './actions.ts';
import type { Arguments } from './arguments.ts';
import type { Payload } from './payload.ts';

/** The manual's word for create. */
const aliases: Readonly<Record<string, string>> = { deploy: 'create' };

/** CloudStack's own action of exactly this name; inherited keys of the table are no actions. */
export function rowNamed(action: string): ActionRow | undefined {
  const name = Object.hasOwn(aliases, action) ? (aliases[action] ?? action) : action;
  return Object.hasOwn(actions, name) ? actions[name] : undefined;
}

/** CloudStack's own action that is asked for; `undefined` for a custom one, which its payload names. */
export function resolveAction(args: Arguments, { action }: Payload): ActionRow | undefined {
  if (action !== undefined) {
    if (action === args.action) return undefined;
    const both = `"${args.action}" on the command line, "${action}" in the payload`;
    throw refusal('usage', `The call names two actions: ${both}`);
  }
  const row = rowNamed(args.action);
  if (row !== undefined) return row;
  const near = nearest(args.action, Object.keys(actions));
  throw refusal(
    'usage',
    `There is no action "${args.action}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    'A custom action carries its name in the payload too, under "action"',
  );
}

/** Tenants may read the sentence, since it only repeats their own words. */
function refusal(kind: FailureKind, sentence: string, advice?: string): Failure {
  return new Failure(kind, sentence, { tenant: sentence, advice });
}
