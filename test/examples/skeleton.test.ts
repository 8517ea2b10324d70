import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { createWorld } from '../commands/world.ts';
import { leftOut } from '../support/thorough.ts';

const skip = leftOut ?? (!existsSync('/usr/bin/python3') && 'there is no /usr/bin/python3');

describe('The driver that init writes in Python', () => {
  it('keeps every rule, whenever it is interrupted', { skip }, async () => {
    const before = process.cwd();
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-skeleton-'));
    const world = createWorld({ env: { NO_COLOR: '1', OUTRIGGER_CONFIG: '/nowhere' } });
    try {
      process.chdir(folder);
      await runCommand(['driver', 'init', 'mine', '--language', 'python'], world);
      await runCommand(['driver', 'check', './mine', '--settings', 'mine.json'], world);
      assert.match(world.printed(), /^\.\/mine may be trusted: it keeps 20 rules/m);
    } finally {
      process.chdir(before);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
