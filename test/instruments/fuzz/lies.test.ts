import { describe, it } from 'node:test';
import { lies, playLie, systemNames } from './lies.ts';
import { tryMany } from './runs.ts';

describe('Whatever a remote system answers in the middle of an action,', () => {
  for (const system of systemNames) {
    it(`there is one answer in time, and nobody else is touched: ${system}`, async (t) => {
      await tryMany(`lies-${system}`, lies(), { few: 12, long: 1500 }, (lie) =>
        playLie(system, lie, t),
      );
    });
  }
});
