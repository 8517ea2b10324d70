import { Failure } from '../../failure.ts';
import { createRedactor } from '../../kit/redact.ts';
import type { CallFacts } from '../call-facts.ts';
import { type Body, type CallResult, encode } from '../call-result.ts';
import { elapsed, finishFailed } from '../finish.ts';

/**
 * One JSON document in plain ASCII, whose `status` agrees with the exit code; nothing at all for a
 * command whose output CloudStack stores as it is.
 */
export function finishNetwork(
  facts: CallFacts,
  body: Body | 'nothing',
  quiet: boolean,
): CallResult {
  try {
    const text = body === 'nothing' ? '' : textOf(body, facts);
    facts.log('call', { level: quiet ? 'debug' : 'info', ms: elapsed(facts), outcome: 'success' });
    return { exitCode: 0, text };
  } catch (error) {
    return finishFailed(facts, error);
  }
}

function textOf(body: Body, { secrets }: CallFacts): string {
  const text = encode({ status: 'success', ...body });
  return createRedactor(secrets)
    .text(text)
    .replace(/[^\n\x20-\x7e]/g, '?');
}

/** CloudStack drops a URI that it cannot read without a word, and the NIC stays without a network. */
export function checkedUri(uri: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9][A-Za-z0-9.-]*(\?[\x21-\x7e]*)?$/.test(uri)) return uri;
  throw new Failure('internal', `CloudStack cannot read the network's URI ${JSON.stringify(uri)}`);
}
