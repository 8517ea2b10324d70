import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { tryMany } from '../../instruments/fuzz/runs.ts';
import type { Json } from '../recorded.ts';
import { callNetwork, commandOf, names, newPlace, recorded, registrationKey } from './recorded.ts';

/*
 * Recorded payloads with one to four fields changed into anything that JSON can hold, taken away, or
 * added, under their own command or any other one.
 */

const secret = 'planted-by-the-test';

interface Twist {
  readonly place: 'payload' | typeof registrationKey | 'top';
  readonly key: string;
  /** `undefined` takes the field away. */
  readonly value: unknown;
}

const keys = [
  ...['network_id', 'nic_uuid', 'vlan', 'guest_type', 'network_state', 'gateway', 'mac', 'ip'],
  ...['vm_data', 'restore_data', 'fw_rules', 'lb_rules', 'acl_rules', 'password', 'sshkey'],
  ...['current_details', 'default_nic', 'device_id', 'action', 'action-params', 'vpc_id'],
  ...['installation', 'provider', 'payload', 'externaldetails', 'constructor'],
];

const twist: fc.Arbitrary<Twist> = fc.record({
  place: fc.constantFrom<Twist['place']>('payload', registrationKey, 'top'),
  key: fc.constantFrom(...keys),
  value: fc.oneof(
    fc.constant(undefined),
    fc.constantFrom<unknown>('', '0', 204, true, null, [], {}, [null], [{}], [[]], '\u0000', 'ü'),
    fc.jsonValue({ maxDepth: 2 }),
  ),
});

function twisted(given: Json, twists: readonly Twist[]): Json {
  const payload: Record<string, unknown> = { ...given };
  for (const { place, key, value } of twists) {
    if (place === 'top') {
      payload[key] = value;
      continue;
    }
    const inner = payload[place];
    if (typeof inner !== 'object' || inner === null) continue;
    payload[place] = { ...inner, [key]: value };
  }
  return payload;
}

/** The rules of every answer, however it came about. */
function judge(command: string, { exitCode, text }: { exitCode: number; text: string }): void {
  assert.ok(exitCode === 0 || exitCode === 1, `exit code ${exitCode}`);
  assert.ok(!text.includes(secret), 'a secret is in the answer');
  if (command === 'ensure-network-device' && exitCode === 0) {
    assert.equal(text, '');
    return;
  }
  const { status } = JSON.parse(text) as { readonly status?: string };
  assert.equal(status === 'success', exitCode === 0);
}

describe('a network command whose payload is changed in any way', () => {
  it('ends with one document that agrees with the exit code, and tells no secret', async (t) => {
    const here = newPlace();
    t.after(here.remove);
    const commands = [...new Set(names.map(commandOf))];
    const cases = fc.record({
      name: fc.constantFrom(...names),
      other: fc.option(fc.constantFrom(...commands), { freq: 4, nil: undefined }),
      twists: fc.array(twist, { minLength: 1, maxLength: 4 }),
    });
    await tryMany('network payloads', cases, { few: 150, long: 5000 }, async (given) => {
      const { name, other, twists } = given;
      const command = other ?? commandOf(name);
      const payload = twisted(recorded(name, { password: secret }), twists);
      judge(command, await callNetwork(here, command, payload));
    });
    const said = JSON.stringify(here.log());
    assert.ok(!said.includes(secret));
    assert.doesNotMatch(said, /TypeError|RangeError/);
  });
});
