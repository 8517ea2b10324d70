import { Failure, type FailureKind } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';
import { type ActionRow, actions, builtIn } from './actions.ts';
import type { Arguments } from './arguments.ts';
import type { Issues } from './issues.ts';
import { type Payload, parsePayload, readPayloadFile } from './payload.ts';

/** The payload, or what is left of it without the parts that are issues now. */
export function readPayload({ payloadFile }: Arguments, issues: Issues): Payload {
  return checkPayload(readPayloadFile(payloadFile), issues);
}

function checkPayload(raw: Readonly<Record<string, unknown>>, issues: Issues): Payload {
  const parsed = parsePayload(raw);
  if ('payload' in parsed) return parsed.payload;
  for (const issue of parsed.issues) issues.add('usage', issue);
  // What stands elsewhere in it is still looked at, so that everything is said at once.
  const rest = Object.entries(raw).filter(([key]) => !parsed.broken.has(key));
  return checkPayload(Object.fromEntries(rest), issues);
}

/** CloudStack's own action; none for a custom one, which its payload names. */
export function findRow(args: Arguments, { action }: Payload): ActionRow | undefined {
  // Custom actions have no dots in their names; Java classes do.
  if (args.action.includes('.')) {
    throw plain(
      'unsupported',
      `CloudStack's internal command ${args.action} is nothing that an extension does`,
    );
  }
  if (action !== undefined) {
    if (action === args.action) return undefined;
    const both = `"${args.action}" on the command line, "${action}" in the payload`;
    throw plain('usage', `The action is not one and the same: ${both}`);
  }
  const found = builtIn(args.action);
  if (found !== undefined) return found.row;
  const near = nearest(args.action, Object.keys(actions));
  throw plain(
    'usage',
    `There is no action "${args.action}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    'A custom action carries its name in the payload too, under "action"',
  );
}

/** What anybody may read, since it only repeats what the caller said. */
function plain(kind: FailureKind, sentence: string, advice?: string): Failure {
  return new Failure(kind, sentence, { tenant: sentence, advice });
}

/** What has to stay out of every text, whatever provider it is for. */
export function secretsIn({ 'cloudstack.vm.details': vm }: Payload): string[] {
  if (typeof vm !== 'object' || vm === null) return [];
  const { vncPassword } = vm as Record<string, unknown>;
  return typeof vncPassword === 'string' ? [vncPassword] : [];
}
