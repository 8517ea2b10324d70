import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { createWorld } from '../commands/world.ts';

const thorough = process.env['OUTRIGGER_THOROUGH'] !== undefined;
const skip = thorough
  ? !existsSync('/usr/bin/python3') && 'there is no /usr/bin/python3'
  : 'takes minutes: set OUTRIGGER_THOROUGH=1';

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
