import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { makeBench } from './bench-place.ts';
import { examples } from './example.ts';
import { tryMany } from './runs.ts';
import { checkOutcome, checkPrototypes } from './verdict.ts';

describe('The dispatcher', () => {
  const bench = makeBench();
  after(() => bench.remove());

  it('the dispatcher keeps every promise for every payload and every behaviour of its provider', async () => {
    let asked = 0;
    await tryMany(
      'dispatcher',
      examples('ledger'),
      { few: 400, long: 100_000 },
      async (example) => {
        const outcome = await bench.run(example);
        checkOutcome(example, outcome);
        checkPrototypes();
        asked += outcome.entries.length;
      },
    );
    assert.ok(asked >= 40, `only ${asked} calls got as far as the provider`);
  });
});
