import { describe, it } from 'node:test';
import { corruptions, playCorruption, systemNames } from './corrupt-responses.ts';
import { tryMany } from './runs.ts';

describe('Whatever a remote system answers in the middle of an action,', () => {
  for (const system of systemNames) {
    it(`there is one answer in time, and nobody else is touched: ${system}`, async (t) => {
      await tryMany(
        `corrupt-responses-${system}`,
        corruptions(),
        { few: 12, long: 1500 },
        (corruption) => playCorruption(system, corruption, t),
      );
    });
  }
});
