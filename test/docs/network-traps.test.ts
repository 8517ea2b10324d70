import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const page = readFileSync('docs/network-traps.md', 'utf8');
const rows = [...page.matchAll(/^\| (\d+) \| ([^|]+) \| ([^|]+) \|$/gm)];

describe('the page of the traps of CloudStack 4.23', () => {
  it('has each of them once, with a test or a reason', () => {
    const numbers = rows.map(([, number]) => Number(number));
    assert.deepEqual(
      numbers,
      Array.from({ length: 48 }, (_, at) => 29 + at),
    );
    for (const [row, , , cell = ''] of rows) assert.ok(cell.trim().length > 10, row);
  });

  it('names files that are there', () => {
    const files = [...page.matchAll(/\b(?:test|src)\/[\w./-]+\.ts/g)].map(([file]) => file);
    assert.ok(files.length > 50);
    assert.deepEqual(
      files.filter((file) => !existsSync(file)),
      [],
    );
  });
});
