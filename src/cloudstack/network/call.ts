import { createDeadline } from '../../kit/deadline.ts';
import type { Known, NetworkIds } from '../call-facts.ts';
import { splitTimeout } from '../split-timeout.ts';

/*
 * The part of the network half that every call pays for: whether it is meant, and its time.
 */

export const registrationKey = 'physical-network-extension-details';

type Raw = Readonly<Record<string, unknown>>;

/**
 * Whether the network half is called. The payload alone tells: a custom action of an instance may have
 * the name of a network command, and a network extension can be registered with a cluster by mistake.
 */
export function isNetworkPayload(raw: Raw): boolean {
  return raw[registrationKey] !== undefined && raw['externaldetails'] === undefined;
}

/** CloudStack waits for ever, with the network locked and a thread of its own for it. */
const mostSeconds = 50;

/** The same call with the time that a network command gets, and its ids for the log. */
export function asNetworkCall<Facts extends Known<'args'>>(facts: Facts, raw: Raw) {
  const { action, timeoutSeconds } = facts.args;
  const times = splitTimeout(action, Math.min(timeoutSeconds, mostSeconds));
  const deadline = createDeadline(facts.world.clock, times);
  return { ...facts, times, deadline, row: undefined, network: idsIn(raw) };
}

function idsIn(raw: Raw): NetworkIds {
  const fields = (raw['payload'] ?? raw) as Raw | string;
  const text = (key: string): string | undefined => {
    const value = typeof fields === 'object' ? fields[key] : undefined;
    return typeof value === 'string' && value !== '' ? value.slice(0, 64) : undefined;
  };
  return { id: text('network_id'), nic: text('nic_uuid'), vpc: text('vpc_id') };
}
