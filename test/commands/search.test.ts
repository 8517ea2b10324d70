import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { sample } from './sample-provider.ts';
import { createWorld } from './world.ts';

async function run(...args: readonly string[]) {
  const world = createWorld({ providers: { sample } });
  const code = await runCommand(args, world);
  return { code, printed: world.printed(), complained: world.complained() };
}

describe('A search in the reference', () => {
  it('settings with words lists only the rows that hold all of them, below their headings', async () => {
    const { code, printed } = await run('settings', 'sample', 'LOOK');
    assert.equal(code, 0);
    assert.match(printed, /^Settings$/m);
    assert.match(printed, /verify +true +Whether to look twice/);
    assert.match(printed, /shape +round/);
    assert.doesNotMatch(printed, /token|Stored details|size_gb/);
    assert.doesNotMatch((await run('settings', 'sample', 'look', 'twice')).printed, /shape/);
  });

  it('actions with words lists an action by its name or its meaning', async () => {
    const { printed } = await run('actions', 'sample', 'puddle');
    assert.match(printed, /Melt/);
    assert.doesNotMatch(printed, /Paint/);
  });

  it('a search that finds nothing says so and ends with exit code 1', async () => {
    const { code, printed, complained } = await run('settings', 'sample', 'zebra');
    assert.deepEqual([code, printed], [1, '']);
    assert.match(complained, /No detail of the sample holds the words zebra/);
  });
});
