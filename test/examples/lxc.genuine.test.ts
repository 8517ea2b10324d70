import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { createWorld } from '../commands/world.ts';
import { leftOut } from '../support/thorough.ts';

const needed = ['/usr/bin/lxc-create', '/usr/bin/jq', '/bin/busybox'];
const lacking = needed.filter((path) => !existsSync(path));
const reason =
  process.getuid?.() !== 0 ? 'LXC wants root' : lacking.length > 0 && `lacks ${lacking.join(', ')}`;

// The interruptions take a minute more, and on a busy machine a primitive that was cut off may end late: its
// machine then appears between two looks, which the check calls a broken rule.
const quick = leftOut === undefined ? [] : ['--quick'];

describe('examples/lxc.bash', () => {
  it('has at most 130 lines', () => {
    const lines = readFileSync('examples/lxc.bash', 'utf8').trimEnd().split('\n');
    assert.ok(lines.length <= 130, `${lines.length}`);
  });

  it('may be trusted with genuine containers of LXC', {
    skip: process.env['CI'] === undefined && reason,
  }, async () => {
    const path = mkdtempSync(join(tmpdir(), 'outrigger-lxc-'));
    try {
      const file = join(path, '..', `${path.slice(path.lastIndexOf('/') + 1)}.json`);
      // The cgroups of a machine that runs tests may be of either version.
      writeFileSync(file, JSON.stringify({ settings: { path, limits: 'none' } }));
      const world = createWorld({ env: { NO_COLOR: '1', OUTRIGGER_CONFIG: '/nowhere' } });
      const args = ['driver', 'check', 'examples/lxc.bash', '--settings', file, ...quick];
      const code = await runCommand(args, world);
      assert.equal(code, 0, world.printed());
      assert.match(world.printed(), /^examples\/lxc\.bash may be trusted[^:]*: it keeps \d+ rules/);
      assert.doesNotMatch(world.printed(), /^BROKEN/m);
      assert.deepEqual(
        readdirSync(path).filter((name) => name !== '.outrigger'),
        [],
      );
      rmSync(file);
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });
});
