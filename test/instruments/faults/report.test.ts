import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { idOf } from './fault-case.ts';
import { refusalOf } from './report.ts';
import type { Kept } from './results.ts';
import { providers, rowsOf } from './table.ts';

const rows = providers.flatMap(rowsOf);
const kept: Kept = {
  ...{ told: 'success', end: '', complaints: [], requests: 3, changes: 2, date: '2026-11-30' },
};

describe('the page of results', () => {
  it('is not written by a run of a part where no earlier run has played the rest', () => {
    const isPlayed = ({ provider, action, fault }: (typeof rows)[number]): boolean =>
      idOf({ provider, action, fault }) === 'simulator/status/none';
    assert.match(
      refusalOf(new Map(), isPlayed) ?? '',
      /^--report would empty \d{4} squares of docs\/reliability\.md, such as .*: play all first/,
    );
  });

  it('is written where every square was played, by this run or an earlier one', () => {
    const [first, ...others] = rows;
    assert.ok(first);
    const earlier = new Map(others.map((row) => [`${idOf(row)}@1`, kept]));
    const isPlayed = (row: (typeof rows)[number]): boolean => idOf(row) === idOf(first);
    assert.equal(refusalOf(earlier, isPlayed), undefined);
    assert.match(refusalOf(earlier, () => false) ?? '', /would empty 1 squares/);
    assert.equal(
      refusalOf(new Map(), () => true),
      undefined,
    );
  });
});
