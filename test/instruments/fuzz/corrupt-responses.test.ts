import { describe, it } from 'node:test';
import { corruptions, playCorruption, systemNames } from './corrupt-responses.ts';
import { tryMany } from './runs.ts';

describe('A remote system that answers corrupt responses in the middle of an action', () => {
  for (const system of systemNames) {
    it(`a corrupt response leads to one answer in time and touches no other machine: ${system}`, async (t) => {
      await tryMany(
        `corrupt-responses-${system}`,
        corruptions(),
        { few: 12, long: 1500 },
        (corruption) => playCorruption(system, corruption, t),
      );
    });
  }
});
