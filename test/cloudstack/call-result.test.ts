import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  consoleBody,
  fail,
  mostBytes,
  powerBody,
  powersBody,
  preparationBody,
} from '../../src/cloudstack/call-result.ts';
import { succeed } from '../../src/cloudstack/success-result.ts';
import type { Power } from '../../src/contract/machine.ts';
import { formFault } from '../support/answer-form.ts';

const parse = (text: string) => JSON.parse(text) as Record<string, unknown>;

describe('an answer', () => {
  it('a result keeps letters as they are, which CloudStack would un-escape in its own answer', () => {
    const text = 'Zażółć Grün ☃ \u2028 C:\\users\\x "quoted" \\ \n\t';
    for (const answer of [succeed({ message: { text } }), fail(text, 'r-1')]) {
      assert.equal(formFault(answer.text), undefined);
      assert.ok(answer.text.includes('Zażółć Grün ☃'), answer.text);
    }
    assert.deepEqual(parse(succeed({ message: { text } }).text)['message'], { text });
    assert.equal(parse(fail(text, 'r-1').text)['error'], text);
  });

  it('a result writes something else for every character that the API could not pass on', () => {
    const signs: readonly (readonly [string, string])[] = [
      ['\u0000a\u001fb\r\u007f\u0085', ' a b   '],
      ['\ud800x\udc00', '\ufffdx\ufffd'],
      ['\ud83d\ude00!', '\ufffd!'],
      [String.raw`a\u00fcb`, 'a/u00fcb'],
      [String.raw`C:\\uFACE`, String.raw`C:\/uFACE`],
      [String.raw`\u12 \n \\`, String.raw`\u12 \n \\`],
    ];
    for (const [given, shown] of signs) {
      const { text } = succeed({ message: given });
      assert.equal(formFault(text), undefined, JSON.stringify(text));
      assert.equal(parse(text)['message'], shown);
    }
  });

  it('a success exits with code 0 and a failure with code 1', () => {
    assert.equal(succeed({}).exitCode, 0);
    assert.deepEqual(parse(succeed({ message: 'x' }).text), { status: 'success', message: 'x' });
    assert.equal(fail('x', 'r-1').exitCode, 1);
    assert.deepEqual(parse(fail('x', 'r-1').text), { status: 'error', error: 'x', ref: 'r-1' });
  });

  it('power states are PowerOn and PowerOff, the words that CloudStack knows, and PowerUnknown when in doubt', () => {
    assert.deepEqual(powerBody('on'), { power_state: 'PowerOn' });
    assert.deepEqual(powerBody('off'), { power_state: 'PowerOff' });
    assert.deepEqual(powerBody('unknown'), { power_state: 'PowerUnknown' });
  });

  it('a list of power states is keyed by instance name, even by __proto__', () => {
    const powers = new Map<string, Power>([
      ['i-2-42-VM', 'on'],
      ['__proto__', 'off'],
    ]);
    const { power_state: states } = parse(succeed(powersBody(powers)).text) as {
      power_state: Record<string, string>;
    };
    assert.deepEqual(Object.entries(states), [
      ['i-2-42-VM', 'PowerOn'],
      ['__proto__', 'PowerOff'],
    ]);
  });

  it('prepare returns NICs with nicUuid and without uuid, which CloudStack takes for the network’s', () => {
    const body = preparationBody({
      details: { ledger_id: '7' },
      nics: [
        { uuid: 'n1', mac: '02:00:00:00:00:01' },
        { uuid: 'n2', ipv4: '10.0.0.2', ipv6: 'fd00::2' },
      ],
    });
    assert.deepEqual(body, {
      details: { ledger_id: '7' },
      nics: [
        { nicUuid: 'n1', mac: '02:00:00:00:00:01' },
        { nicUuid: 'n2', ip: '10.0.0.2', ip6address: 'fd00::2' },
      ],
    });
    assert.deepEqual(preparationBody({}), {});
  });

  it('a console is described for the proxy or for the browser, without keys that have no value', () => {
    assert.deepEqual(consoleBody({ kind: 'direct', url: 'https://c.test/' }), {
      console: { protocol: 'direct', url: 'https://c.test/' },
    });
    const vnc = { kind: 'vnc', host: 'h', port: 5901 } as const;
    assert.deepEqual(consoleBody(vnc), { console: { protocol: 'vnc', host: 'h', port: 5901 } });
    const lasting = consoleBody({ ...vnc, password: 'p' })['console'] as Record<string, unknown>;
    assert.equal(lasting['passwordonetimeuseonly'], false);
    assert.deepEqual(consoleBody({ ...vnc, password: 'p', oneTime: true }), {
      console: {
        protocol: 'vnc',
        host: 'h',
        port: 5901,
        password: 'p',
        passwordonetimeuseonly: true,
      },
    });
  });

  it('an error that is too long is cut, says so and keeps its reference', () => {
    for (const error of ['x'.repeat(200_000), '☃'.repeat(40_000), '"\\'.repeat(90_000)]) {
      const { text } = fail(error, 'r-abc');
      assert.ok(Buffer.byteLength(text) <= mostBytes, String(Buffer.byteLength(text)));
      assert.match(String(parse(text)['error']), /shortened/);
      assert.equal(parse(text)['ref'], 'r-abc');
    }
  });

  it('a table with too many rows or too long cells is cut, and says so', () => {
    const table = (message: readonly object[]) => succeed({ printmessage: true, message });
    const rows = Array.from({ length: 5000 }, (_, at) => ({
      name: `snapshot-${at}`,
      note: 'n'.repeat(40),
    }));
    const many = table(rows);
    assert.ok(Buffer.byteLength(many.text) <= mostBytes);
    const shown = parse(many.text)['message'] as Record<string, string>[];
    assert.ok(shown.length > 400);
    const rest = `... ${5000 - shown.length + 1} more, not shown`;
    assert.deepEqual(shown[shown.length - 1], { name: rest, note: '' });
    assert.equal(parse(many.text)['shortened'], true);
    const wide = table([{ note: '☃'.repeat(50_000), more: 1 }]);
    assert.ok(Buffer.byteLength(wide.text) <= mostBytes);
    const [row, ...none] = parse(wide.text)['message'] as Record<string, string>[];
    assert.match(String(row?.['note']), /^☃{500} \.\.\. \(shortened\)$/);
    assert.deepEqual(none, [], 'no row is missing');
    const sentence = table([{ Result: 's'.repeat(100_000) }]);
    assert.ok(Buffer.byteLength(sentence.text) <= mostBytes);
    assert.deepEqual(parse(sentence.text)['message'], [
      { Result: `${'s'.repeat(500)} ... (shortened)` },
    ]);
  });

  it('a result of exactly the allowed size is not cut, and one that is a byte longer is', () => {
    const room = mostBytes - succeed({ power_state: {} }).text.length;
    const longest = { power_state: { a: 'x'.repeat(room - '"a":""'.length) } };
    assert.equal(succeed(longest).text.length, mostBytes);
    assert.ok(mostBytes < 65_536, 'more than the pipe of CloudStack holds');
    const longer = { power_state: { a: `${longest.power_state.a}x` } };
    assert.throws(() => succeed(longer), { name: 'Failure', kind: 'upstream' });
    const error = 'e'.repeat(mostBytes - fail('', 'r-1').text.length);
    assert.equal(parse(fail(error, 'r-1').text)['error'], error);
    assert.match(String(parse(fail(`${error}e`, 'r-1').text)['error']), /shortened/);
  });

  it('a list of power states that is too long fails and is never cut', () => {
    const powers = (count: number) =>
      powersBody(
        new Map(Array.from({ length: count }, (_, at) => [`i-2-${at}-VM`, 'on' as Power])),
      );
    assert.equal(succeed(powers(2000)).exitCode, 0);
    assert.throws(() => succeed(powers(5000)), { name: 'Failure', kind: 'upstream' });
  });
});
