import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concludeNetwork } from '../../src/commands/as-cloudstack/network.ts';
import type { Raw } from '../../src/commands/as-cloudstack/raw.ts';

/** A run that ended with this output; of a failure, CloudStack has the exit code in front. */
function ran(output: string, exitCode = 0): Raw {
  const text = exitCode === 0 ? output.trim() : `Exit code: ${exitCode}, Output: ${output}`;
  return {
    ...{ command: ['/x', 'c', '/p', '60'], ended: 'exit', exitCode, succeeded: exitCode === 0 },
    ...{ text, output, stderr: '', bytes: output.length, durationMs: 1, payloadLeft: true },
    notes: [],
  };
}

const doubts = (command: string, output: string): string =>
  concludeNetwork(command, ran(output)).doubts.join(' ');

describe('the conclusions of CloudStack 4.23 from a network command', () => {
  it('a failure is an exit code, or a status other than success in one JSON object', () => {
    const success = (output: string, exitCode = 0) =>
      concludeNetwork('save-vm-data', ran(output, exitCode)).success;
    for (const output of ['', '{}', '{"status":"SUCCESS"}', '{"status":null}', '{"status":""}']) {
      assert.equal(success(output), true, output);
    }
    for (const status of ['"error"', '"ok"', 'true', '0']) {
      assert.equal(success(`{"status":${status}}`), false, status);
    }
    assert.equal(success('{"status":"success"}', 1), false);
    assert.equal(success('a warning\n{"status":"error"}'), true, 'text beside it hides the status');
    assert.match(doubts('save-vm-data', 'a warning\n{"status":"error"}'), /not one JSON document/);
  });

  it('what ensure-network-device prints is stored, and kills the network when it is no object', () => {
    assert.equal(concludeNetwork('ensure-network-device', ran('')).stored, undefined);
    const small = concludeNetwork('ensure-network-device', ran('{"host":"pve1"}'));
    assert.deepEqual([small.stored, small.doubts], ['{"host":"pve1"}', []]);
    for (const output of ['ready', '[1]', '{"a":1}{"b":2}', 'Permission denied\n{"a":1}']) {
      assert.match(doubts('ensure-network-device', output), /fails before it is started, for good/);
    }
    const long = JSON.stringify({ a: 'x'.repeat(1100) });
    assert.match(doubts('ensure-network-device', long), /cut at 1024 characters/);
    const failed = concludeNetwork('ensure-network-device', ran('poison', 1));
    assert.equal(failed.stored, undefined, 'a failure stores nothing');
  });

  it('a URI of implement-network is believed only when CloudStack can read it', () => {
    const print = (uri: string, type = 'Vswitch') =>
      JSON.stringify({ 'network.broadcast_uri': uri, 'network.broadcast_domain_type': type });
    const good = concludeNetwork('implement-network', ran(print('vs://cs-net-42?mode=nat')));
    assert.deepEqual(good.broadcast, { uri: 'vs://cs-net-42?mode=nat', type: 'Vswitch' });
    const nested = '{"network":{"broadcast_uri":"vs://a","broadcast_domain_type":"vlan"}}';
    assert.deepEqual(concludeNetwork('implement-network', ran(nested)).broadcast, {
      ...{ uri: 'vs://a', type: 'vlan' },
    });
    assert.match(doubts('implement-network', print('vs://a b')), /drops the URI/);
    assert.match(doubts('implement-network', print('vs://seg_1')), /cloudstack\.vlan/);
    assert.match(doubts('implement-network', print('vs://a', 'Bogus')), /type Bogus is unknown/);
    assert.match(concludeNetwork('implement-network', ran('{}')).verdict, /without a URI/);
  });

  it('the whole output of a custom action is its result', () => {
    assert.equal(concludeNetwork('custom-action', ran('{"a":1}')).shown, '{"a":1}');
  });
});
