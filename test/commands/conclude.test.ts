import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Conclusion, conclude } from '../../src/commands/as-cloudstack/conclude.ts';
import { parseGson } from '../../src/commands/as-cloudstack/gson.ts';
import { toPlain } from '../../src/commands/as-cloudstack/json.ts';
import type { Raw } from '../../src/commands/as-cloudstack/raw.ts';

function printed(output: string): Raw {
  return {
    command: ['/extension', 'action', '/payload.json', '60'],
    ended: 'exit',
    exitCode: 0,
    succeeded: true,
    // As Java trims: a byte order mark stays.
    text: output.replace(/^[ \n]+|[ \n]+$/g, ''),
    output,
    stderr: '',
    bytes: Buffer.byteLength(output),
    durationMs: 1,
    payloadLeft: true,
    notes: [],
  };
}

const refused: Raw = {
  ...printed(''),
  exitCode: 1,
  succeeded: false,
  text: 'Exit code: 1, Output: ',
};

describe('A state that status prints', () => {
  const power = (text: string): Conclusion => conclude('status', printed(text), undefined);
  const accepted: Readonly<Record<string, string>> = {
    '{"power_state":"PowerOn"}': 'PowerOn',
    '{"power_state":"poweron"}': 'PowerOn',
    '{"power_state":"POWEROFF"}': 'PowerOff',
    PowerOn: 'PowerOn',
    '\n  PowerOn \n\n': 'PowerOn',
    "{power_state:'PowerOn'}": 'PowerOn',
    '{"status":"error","power_state":"PowerOn"}': 'PowerOn',
    '{/* on */ "power_state" = PowerOff}': 'PowerOff',
  };
  for (const [text, word] of Object.entries(accepted)) {
    test(`a state that status prints is ${word} for ${JSON.stringify(text)}`, () => {
      assert.equal(power(text).power, word);
      assert.equal(power(text).success, true);
    });
  }

  const unknown = [
    '{"power_state":"On"}',
    '{"power_state":"PoweredOn"}',
    '{"power_state":"running"}',
    '{"power_state":" PowerOn "}',
    '{"power_state":1}',
    '{"power_state":null}',
    '\uFEFF{"power_state":"PowerOn"}',
    '{"power_state":"PowerOn"} // sure',
    '{"power_state":"PowerOn"}{"power_state":"PowerOn"}',
    'PowerOn\nwarning',
    '"PowerOn"',
    '1',
    'null',
    '{"status":"success"}',
    '[]',
    '',
  ];
  for (const text of unknown) {
    test(`a state that status prints is PowerUnknown for ${JSON.stringify(text)}`, () => {
      assert.equal(power(text).power, 'PowerUnknown');
      assert.equal(power(text).success, false);
    });
  }

  test('a state that status prints may honestly be unknown', () => {
    for (const word of ['unknown', 'PowerUnknown']) {
      const conclusion = power(`{"status":"success","power_state":"${word}"}`);
      assert.equal(conclusion.power, 'PowerUnknown');
      assert.equal(conclusion.success, true);
    }
  });
});

describe('A statuses answer', () => {
  const powers = (text: string): Conclusion => conclude('statuses', printed(text), undefined);

  test('a statuses answer is taken by instance name, with words in any case', () => {
    const text =
      '{"status":"Success","power_state":{"i-2-1-VM":"PowerOn","i-2-2-VM":"poweroff","i-2-3-VM":"weird","i-2-4-VM":"on"}}';
    assert.deepEqual(powers(text).powers, {
      'i-2-1-VM': 'PowerOn',
      'i-2-2-VM': 'PowerOff',
      'i-2-3-VM': 'PowerUnknown',
      'i-2-4-VM': 'PowerUnknown',
    });
    assert.equal(powers(text).doubts.length, 2);
  });

  test('a statuses answer that is empty is taken as an empty host', () => {
    assert.deepEqual(powers('{"status":"success","power_state":{}}').powers, {});
  });

  const fallBacks = [
    '{"power_state":{"i-2-1-VM":"PowerOn"}}',
    '{"status":"error","power_state":{"i-2-1-VM":"PowerOn"}}',
    '{"status":"success","power_state":[]}',
    '{"status":"success","power_state":null}',
    '{"status":"success","power_state":{"i-2-1-VM":null}}',
    '{"status":"success"}',
    '',
  ];
  for (const text of fallBacks) {
    test(`a statuses answer makes CloudStack fall back to status: ${JSON.stringify(text)}`, () => {
      assert.equal(powers(text).powers, undefined);
      assert.equal(powers(text).success, false);
    });
  }

  test('a statuses answer that fails makes CloudStack fall back to status', () => {
    assert.equal(conclude('statuses', refused, undefined).powers, undefined);
  });
});

describe('A getconsole answer', () => {
  const console = (body: string): Conclusion =>
    conclude('getconsole', printed(`{"status":"success","console":${body}}`), undefined);

  test('a getconsole answer takes a port as a number or as its digits', () => {
    for (const port of ['5901', '"5901"']) {
      const conclusion = console(`{"host":"10.0.0.1","port":${port}}`);
      assert.equal(conclusion.success, true);
      assert.equal(conclusion.console?.port, 5901);
    }
  });

  const broken: Readonly<Record<string, string>> = {
    '{"host":"h","port":"abc"}': 'Failed to parse output',
    '{"host":"h","port":5900.0}': 'Failed to parse output',
    '{"host":"h","port":5900,"password":null}': 'Failed to parse output',
    '"h:5900"': 'Failed to parse output',
    '{"host":"h"}': 'Missing required fields in output',
    '{}': 'Missing required fields in output',
  };
  for (const [body, verdict] of Object.entries(broken)) {
    test(`a getconsole answer is refused: ${body}`, () => {
      assert.equal(console(body).verdict, verdict);
      assert.equal(console(body).success, false);
      assert.equal(console(body).shown, 'Console access to this instance cannot be provided');
    });
  }

  test('a getconsole answer without a console object is refused, also when it says that it failed', () => {
    for (const text of ['{"status":"success"}', '{"status":"error"}']) {
      const conclusion = conclude('getconsole', printed(text), undefined);
      assert.equal(conclusion.verdict, 'Missing console object in output');
    }
    assert.equal(
      conclude('getconsole', printed('junk'), undefined).verdict,
      'Failed to parse output',
    );
  });

  test('a getconsole answer with a URL is handed out only under protocol direct', () => {
    const direct = console('{"url":"https://c.example.org/","protocol":"Direct"}');
    assert.equal(direct.success, true);
    assert.match(direct.shown, /https:\/\/c\.example\.org\//);
    const bare = console('{"url":"https://c.example.org/"}');
    assert.equal(bare.console?.protocol, undefined);
    assert.equal(bare.success, false);
    assert.match(bare.verdict, /^Accepted, but/);
    assert.equal(console('{"host":"h","port":1,"protocol":"direct"}').success, false);
  });

  test('a getconsole answer asks for a viewer per session only together with a password', () => {
    const once = console('{"host":"h","port":1,"password":"p","passwordonetimeuseonly":"true"}');
    assert.equal(once.console?.oneTime, true);
    const without = console('{"host":"h","port":1,"passwordonetimeuseonly":true}');
    assert.equal(without.console?.oneTime, false);
  });
});

const nic = (n: number, network: number, more: object = {}): object => ({
  deviceId: n,
  nicUuid: `a0000000-0000-4000-8000-00000000000${n}`,
  uuid: `b0000000-0000-4000-8000-00000000000${network}`,
  mac: `02:00:00:00:00:0${n}`,
  ip: `10.0.0.${n}`,
  ...more,
});

const payload = {
  virtualmachineid: '11111111-2222-4333-8444-555555555555',
  virtualmachinename: 'i-2-7-VM',
  'cloudstack.vm.details': {
    name: 'i-2-7-VM',
    cpus: 2,
    arch: 'x86_64',
    nics: [nic(0, 0), nic(1, 1), nic(2, 1)],
    details: { deployvm: 'true', kept: 'as it is' },
  },
};

describe('A prepare answer', () => {
  const prepare = (answer: unknown): Conclusion =>
    conclude('prepare', printed(JSON.stringify(answer)), payload);
  const mac = '02:aa:aa:aa:aa:aa';

  test('a prepare answer changes a NIC by nicUuid without uuid', () => {
    const { nicUuid } = nic(2, 1) as { nicUuid: string };
    assert.deepEqual(prepare({ nics: [{ nicUuid, mac }] }).prepared?.nics, [{ nicUuid, mac }]);
  });

  test('a prepare answer changes a NIC by the network’s uuid, the last one of a network only', () => {
    const uuids = [0, 1].map((n) => (nic(n, n) as { uuid: string }).uuid);
    const { prepared } = prepare({ nics: uuids.map((uuid) => ({ uuid, mac })) });
    assert.deepEqual(
      prepared?.nics.map(({ nicUuid }) => nicUuid.slice(-1)),
      ['0', '2'],
    );
    assert.match(prepared?.ignored.join(' ') ?? '', /only the last counts/);
  });

  test('a prepare answer changes one NIC by several entries with the uuid of its network', () => {
    const { uuid, nicUuid } = nic(0, 0) as { uuid: string; nicUuid: string };
    const { prepared } = prepare({
      nics: [
        { uuid, mac },
        { uuid, ip: '10.9.9.9' },
      ],
    });
    assert.deepEqual(prepared?.nics, [{ nicUuid, mac, ip: '10.9.9.9' }]);
  });

  test('a prepare answer ignores a NIC by uuid alone, or without any', () => {
    const { nicUuid } = nic(0, 0) as { nicUuid: string };
    for (const given of [{ uuid: nicUuid, mac }, { mac }]) {
      const { prepared, success } = prepare({ nics: [given] });
      assert.equal(success, true);
      assert.deepEqual(prepared?.nics, []);
      assert.equal(prepared?.ignored.length, 1);
    }
  });

  test('a prepare answer keeps mac, ip and ip6address of a NIC, and nothing else', () => {
    const { nicUuid } = nic(0, 0) as { nicUuid: string };
    const kept = { mac, ip: '10.9.9.9', ip6address: '2001:db8::9' };
    const { prepared } = prepare({ nics: [{ nicUuid, ...kept, netmask: '255.0.0.0', mtu: 1400 }] });
    assert.deepEqual(prepared?.nics, [{ nicUuid, ...kept }]);
    assert.equal(prepared?.ignored.length, 2);
  });

  test('a prepare answer keeps details, which become strings', () => {
    const { prepared } = prepare({ details: { vmid: '10042', n: 5, t: true } });
    assert.deepEqual(prepared?.details, { vmid: '10042', n: '5', t: 'true' });
  });

  test('a prepare answer stores null as such', () => {
    assert.deepEqual(prepare({ details: { kept: null } }).prepared?.details, { kept: null });
  });

  const harmless: readonly unknown[] = [
    { status: 'success', message: 'fine' },
    { nics: null },
    { nics: [] },
    { details: null },
    {},
    { arch: 'pdp11', unknown: { key: [1] } },
  ];
  for (const answer of harmless) {
    test(`a prepare answer changes nothing: ${JSON.stringify(answer)}`, () => {
      const { success, prepared } = prepare(answer);
      assert.equal(success, true);
      assert.deepEqual([prepared?.nics, prepared?.details], [[], {}]);
    });
  }

  test('a prepare answer does not keep a password, which it may hold', () => {
    assert.deepEqual(prepare({ vncPassword: 'x' }).prepared?.ignored.length, 1);
  });

  const unfit: readonly unknown[] = [
    { cpus: 'two' },
    { details: { a: { b: 'c' } } },
    { details: ['a'] },
    { nics: [{ nicUuid: 'x', deviceId: 'first' }] },
    { nics: 'none' },
    ['a'],
    'success',
    3,
  ];
  for (const answer of unfit) {
    test(`a prepare answer cannot be parsed: ${JSON.stringify(answer)}`, () => {
      const { success, verdict } = prepare(answer);
      assert.equal(success, false);
      assert.match(verdict, /^Failed to parse VM/);
    });
  }

  test('a prepare answer that is empty goes on without an instance', () => {
    assert.equal(conclude('prepare', printed(''), payload).success, true);
  });
});

describe('A custom action', () => {
  const custom = (answer: unknown): Conclusion =>
    conclude('List Snapshots', printed(JSON.stringify(answer)), undefined);

  test('a custom action shows a table for a list of objects, under the keys of the first', () => {
    const message = [
      { name: 'a', size: 1 },
      { name: 'b', size: 2 },
    ];
    for (const printmessage of ['true', true]) {
      assert.deepEqual(custom({ status: 'success', printmessage, message }).table, {
        columns: ['name', 'size'],
        rows: [
          ['a', 1],
          ['b', 2],
        ],
      });
    }
  });

  test('a custom action shows an object as one row', () => {
    const { table } = custom({ printmessage: 'true', message: { ip: '10.0.0.1' } });
    assert.deepEqual(table, { columns: ['ip'], rows: [['10.0.0.1']] });
  });

  const hidden: readonly unknown[] = [
    { printmessage: 'true', message: 'plain text' },
    { printmessage: 'true', message: [] },
    { printmessage: 'true', message: {} },
    { printmessage: 'true', message: ['a'] },
    { printmessage: 'false', message: [{ a: 1 }] },
    { message: [{ a: 1 }] },
  ];
  for (const answer of hidden) {
    test(`a custom action shows its template only: ${JSON.stringify(answer)}`, () => {
      assert.equal(custom(answer).table, undefined);
      assert.equal(custom(answer).success, true);
      assert.match(custom(answer).shown, /Successfully completed List Snapshots/);
    });
  }

  test('a custom action warns when rows are not in the order of the first', () => {
    const message = [
      { A: 1, B: 2 },
      { B: 2, A: 1 },
    ];
    assert.match(custom({ printmessage: true, message }).doubts.join(' '), /position/);
    assert.deepEqual(custom({ message }).doubts, []);
  });

  const shownWell = [
    { 'MAC address': '02:00:00:00:00:01', Size: 3, Created: '2026-11-30 12:14 UTC' },
  ];
  const shownBadly: readonly (readonly [string, unknown, RegExp])[] = [
    ['one object', { Result: 'done' }, /one object/],
    ['a sentence', 'done', /no list/],
    ['nothing', [], /an empty list/],
    ['a list of texts', ['done'], /a list of other things/],
    ['a nested value', [{ Sizes: { a: 1 } }], /"Sizes" is shown as {"a":1}/],
    ['null', [{ Size: null }], /"Size" is shown as null/],
    ['a boolean', [{ Memory: true }], /"Memory" is shown as true/],
    ['a name for programs', [{ snap_name: 'a' }], /"snap_name" has a name for programs/],
    ['six columns', [{ A: 1, B: 2, C: 3, D: 4, E: 5, F: 6 }], /6 columns/],
    ['a long line', [{ A: 'a word '.repeat(10) }], /more than 60 characters/],
    ['a time for programs', [{ At: '2026-11-30T12:14:06.000Z' }], /time for programs/],
  ];
  for (const [what, message, says] of shownBadly) {
    test(`a custom action warns of ${what}, which some release of the interface shows badly`, () => {
      assert.match(custom({ printmessage: true, message }).doubts.join(' '), says);
    });
  }

  test('a custom action is not warned of a table that every release shows', () => {
    assert.deepEqual(custom({ printmessage: true, message: shownWell }).doubts, []);
  });
});

describe('What an author is told although CloudStack says nothing', () => {
  const doubts = (output: string): string => conclude('stop', printed(output), {}).doubts.join(' ');

  test('the report to an author covers failures that exit with 0, in the words people use', () => {
    const said = ['{"status":"error"}', '{"success": false, "result": {}}', '{"error":"no"}'];
    for (const text of said) assert.match(doubts(text), /counts as success/);
    assert.equal(doubts('{"status":"success","error":""}'), '');
  });

  test('the report to an author covers sizes near the limit', () => {
    assert.match(doubts('x'.repeat(61_000)), /64 KiB/);
  });
});

describe('Gson’s reading of JSON', () => {
  const read: readonly (readonly [string, unknown])[] = [
    ['{"a":[1,2,{"b":null}]}', { a: [1, 2, { b: null }] }],
    ["{'a':'b' ; c=>d}", { a: 'b', c: 'd' }],
    ['[1,,2,]', [1, null, 2, null]],
    ['# note\n{"a":TRUE} ', { a: true }],
    ['// note\n{"a":/* x */1}', { a: 1 }],
    [String.raw`"\u00e4\n\'"`, "ä\n'"],
    ['Starting', 'Starting'],
    ['', null],
    ['-1.5e3', -1500],
    ['{"__proto__":"x"}', JSON.parse('{"__proto__":"x"}')],
  ];
  for (const [text, value] of read) {
    test(`Gson takes ${JSON.stringify(text)}`, () => {
      const json = parseGson(text);
      assert.ok(json !== undefined);
      assert.deepEqual(toPlain(json), value);
    });
  }

  for (const text of ['{"a":1,}', '{"a"}', '{', '"a', '[1', '{} x', '{} // x', String.raw`"\x"`]) {
    test(`Gson refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseGson(text), undefined);
    });
  }

  test('Gson does not break on depth', () => {
    assert.equal(parseGson('['.repeat(200_000)), undefined);
  });
});
