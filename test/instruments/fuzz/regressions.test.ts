import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeBench } from './bench-place.ts';
import { type Corruption, playCorruption, type System } from './corrupt-responses.ts';
import type { Example } from './example.ts';
import { checkOutcome, checkPrototypes } from './verdict.ts';

/** Each file is one call that once broke a promise; one that names a system is about its answers. */
const folder = join(process.cwd(), 'test/instruments/fuzz/regressions');

type Kept = Example | (Corruption & { readonly about: string; readonly system: System });

describe('What a fuzzer once found', () => {
  const bench = makeBench();
  after(() => bench.remove());
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const example = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Kept;
    it(`a defect that a fuzzer found stays mended: ${example.about ?? file}`, async (t) => {
      if ('system' in example) return playCorruption(example.system, example, t);
      checkOutcome(example, await bench.run(example));
      checkPrototypes();
    });
  }
});
