import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';

/*
 * How many cases run, and which. `npm test` runs a few of them, always the same ones, so that a
 * build fails for all users or for none; `npm run test:fuzz` (which sets OUTRIGGER_FUZZ=long) runs
 * all of them with a new seed, and `OUTRIGGER_FUZZ_SEED` repeats a run.
 */

export const long: boolean = process.env['OUTRIGGER_FUZZ'] === 'long';

const given = process.env['OUTRIGGER_FUZZ_SEED'];
const seed = given === undefined ? (long ? Date.now() & 0x7fffffff : 20_261_124) : Number(given);

/** Tries the check on many cases; a failure names the seed and leaves the smallest case in a file. */
export async function tryMany<Case>(
  name: string,
  cases: fc.Arbitrary<Case>,
  many: { readonly few: number; readonly long: number },
  check: (example: Case) => Promise<void> | void,
): Promise<void> {
  let last: { readonly example: Case; readonly why: unknown } | undefined;
  const property = fc.asyncProperty(cases, async (example) => {
    try {
      await check(example);
    } catch (why) {
      last = { example, why };
      throw why;
    }
  });
  const numRuns = long ? many.long : many.few;
  process.stdout.write(`${name}: ${numRuns} cases, OUTRIGGER_FUZZ_SEED=${seed}\n`);
  try {
    await fc.assert(property, { numRuns, seed });
  } catch (error) {
    if (last === undefined) throw error;
    const { example, why } = last;
    const [where] = /\{ seed.*\}/.exec(String(error)) ?? [];
    const text = why instanceof Error ? why.message : String(why);
    throw new Error(`${text}\n${keep(name, example)}\n${where}`, { cause: why });
  }
}

function keep(name: string, example: unknown): string {
  const folder = join(process.cwd(), 'build/fuzz');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name.replace(/\W+/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify(example, null, 2)}\n`);
  return `Seed ${seed}; the smallest case is in ${file}: mend it and keep it in test/instruments/fuzz/regressions`;
}
