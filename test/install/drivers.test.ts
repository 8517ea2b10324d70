import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Farm, skip, startFarm } from './server-farm.ts';

// Every case starts from what the case before has left on two servers.
describe('install.sh with a driver in any language', { skip }, () => {
  let farm: Farm;
  let driver = '';
  before(async () => {
    farm = await startFarm();
    driver = join(farm.folder, 'mine.sh');
    writeFileSync(driver, '#!/bin/sh\nexit 1\n');
  });
  after(() => farm?.remove());
  const run = (...args: readonly string[]) =>
    farm.runOn(['a', 'b'], '--name', 'ext', '--file', farm.file, ...args);

  it('places it for root on all servers, and says so before with --dry-run', async () => {
    const given = ['--driver', `mine=${driver}`];
    assert.match((await run(...given, '--dry-run')).output, /drivers\/mine: would be placed/);
    const { code, output } = await run(...given);
    assert.equal(code, 0, output);
    for (const { root } of [farm.servers.a, farm.servers.b]) {
      const { uid, mode } = statSync(join(root, 'etc/outrigger/drivers/mine'));
      assert.deepEqual([uid, (mode & 0o7777).toString(8)], [0, '755']);
      const folder = statSync(join(root, 'etc/outrigger/drivers'));
      assert.deepEqual([folder.uid, (folder.mode & 0o7777).toString(8)], [0, '755']);
    }
    assert.match((await run(...given, '--dry-run')).output, /drivers\/mine: is there already/);
  });

  it('refuses a file that is no program, and a name that would be a path', async () => {
    const text = join(farm.folder, 'text');
    writeFileSync(text, 'echo hello\n');
    const refused = await run('--driver', text);
    assert.equal(refused.code, 2, refused.output);
    assert.match(refused.output, /is no program: its first line has to be such as #!\/bin\/bash/);
    const named = await run('--driver', `../mine=${driver}`);
    assert.equal(named.code, 2, named.output);
    assert.match(named.output, /is no name for a driver/);
  });

  it('names a server with --check where it differs or other users may write it', async () => {
    farm.servers.b.write('etc/outrigger/drivers/mine', '#!/bin/sh\nexit 2\n', 0o775, 'root:root');
    const { output } = await run('--check');
    assert.match(output, /drivers\/mine has to be root:root with mode 0755, but is root:root 775/);
    assert.match(output, /drivers\/mine is not the same here as on a/);
  });
});
