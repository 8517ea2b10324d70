import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomeBody } from '../../src/cloudstack/outcome.ts';
import type { Cell, Outcome } from '../../src/contract/action.ts';

const shownOf = (outcome: Outcome) =>
  outcomeBody(outcome, (text) => text)['message'] as Record<string, unknown>[];

const cellOf = (value: Cell) => shownOf({ message: '', facts: { Fact: value } })[0]?.['Value'];

describe('the result of a custom action', () => {
  it('that is a sentence is a list of one row, which ends with a full stop', () => {
    assert.deepEqual(shownOf({ message: 'It is done' }), [{ Result: 'It is done.' }]);
    assert.deepEqual(shownOf({ message: 'Is it?' }), [{ Result: 'Is it?' }]);
  });

  it('that is an empty list says so in a sentence, since the UI shows nothing of an empty list', () => {
    const outcome = { message: 'There are no snapshots', rows: [] };
    assert.deepEqual(shownOf(outcome), [{ Result: 'There are no snapshots.' }]);
  });

  it('that describes one thing is a list of properties and values', () => {
    const facts = { Name: 'a', Memory: { bytes: 512 * 1024 ** 2 } };
    assert.deepEqual(shownOf({ message: 'Machine a', facts }), [
      { Property: 'Name', Value: 'a' },
      { Property: 'Memory', Value: '512 MiB' },
    ]);
  });

  it('that is a table has the same keys in the same order in every row', () => {
    const rows = [
      { Name: 'a', Size: 1 },
      { Other: 'x', Size: 2 },
    ];
    assert.equal(
      JSON.stringify(shownOf({ message: 'Two', rows })),
      JSON.stringify([
        { Name: 'a', Size: 1, Other: '' },
        { Name: '', Size: 2, Other: 'x' },
      ]),
    );
  });

  for (const [value, words] of [
    [null, ''],
    [true, 'yes'],
    [false, 'no'],
    [3, 3],
    [['a', 'b'], 'a\nb'],
    [new Date('2026-11-30T12:14:59.000Z'), '2026-11-30 12:14 UTC'],
    [new Date('never'), ''],
    [{ bytes: 0 }, '0 bytes'],
    [{ bytes: 1536 * 1024 ** 2 }, '1.5 GiB'],
    [{ bytes: 20 * 1024 ** 3 }, '20 GiB'],
    [{ bytes: 2 ** 70 }, '1073741824 TiB'],
    [{ seconds: 0 }, '0 s'],
    [{ seconds: 59.9 }, '59 s'],
    [{ seconds: 7500 }, '2 h 5 min'],
    [{ seconds: 86_400 * 3 + 60 }, '3 d'],
  ] as const) {
    it(`shows ${JSON.stringify(value)} as ${JSON.stringify(words)}`, () => {
      assert.equal(cellOf(value), words);
    });
  }

  it('breaks long values at about 50 characters, since a cell is as wide as its longest line', () => {
    const values = [
      'The machine of this instance has been installed anew, and its old disk is kept in a snapshot',
      'net0: virtio=02:01:00:cd:2a:00,bridge=vmbr0,tag=1577,firewall=0,rate=100,queues=4',
      'x'.repeat(175),
      `${'😀'.repeat(60)}`,
      `one line\n${'and another '.repeat(9)}`,
    ];
    for (const value of values) {
      const lines = String(cellOf(value)).split('\n');
      assert.ok(lines.length > 1, value);
      for (const line of lines) {
        assert.ok(line.length <= 50, line);
        assert.equal(Buffer.from(line).toString(), line, 'no half characters');
      }
      assert.equal(lines.join(''), value.replace('\n', ''), 'all of it is there');
    }
  });

  it('never breaks the values of the column that is copied from', () => {
    const volume = `backup:backup/vzdump-qemu-10042-2026_11_24-10_00_00.vma.zst`;
    const rows = [{ Created: new Date(0), Backup: volume }];
    assert.deepEqual(shownOf({ message: '', rows, toCopy: 'Backup' }), [
      { Created: '1970-01-01 00:00 UTC', Backup: volume },
    ]);
  });

  it('holds no secret, not even one that a line break would divide', () => {
    const clean = (text: string) => text.replace('geheim-und-lang', '***');
    const message = `${'x'.repeat(40)} geheim-und-lang`;
    assert.doesNotMatch(JSON.stringify(outcomeBody({ message }, clean)), /geheim/);
  });
});
