import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Farm, runScript, skip, startFarm } from './server-farm.ts';
import { skip as cannotInstall, describeSystemPackages } from './system-packages.ts';

describe('the package', () => {
  let folder = '';
  let tar = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-package-'));
    tar = pack('one');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const pack = (name: string) => {
    const target = join(folder, name);
    execFileSync(process.execPath, ['tools/package.mjs', target], { stdio: 'pipe' });
    const [rpm = '', bill = '', file = '', deb = '', ...more] = readdirSync(target).sort();
    assert.deepEqual(more, []);
    assert.match(rpm, /^outrigger-\d+\.\d+\.\d+-1\.noarch\.rpm$/);
    assert.match(bill, /^outrigger-\d+\.\d+\.\d+\.cdx\.json$/);
    assert.match(file, /^outrigger-\d+\.\d+\.\d+\.tar\.gz$/);
    assert.match(deb, /^outrigger_\d+\.\d+\.\d+_all\.deb$/);
    return join(target, file);
  };

  it('has the same bytes each time it is made', () => {
    assert.ok(readFileSync(tar).equals(readFileSync(pack('two'))));
  });

  it('is the same, byte for byte, whatever the environment says to tar and to new files', () => {
    const target = join(folder, 'three');
    const hostile = { TAR_OPTIONS: '--format=pax', TZ: 'Asia/Kathmandu', LC_ALL: 'pl_PL.UTF-8' };
    execFileSync(
      '/bin/sh',
      ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, 'tools/package.mjs', target],
      {
        stdio: 'pipe',
        env: { ...process.env, ...hostile },
      },
    );
    for (const file of readdirSync(target)) {
      const one = readFileSync(join(folder, 'one', file));
      assert.ok(one.equals(readFileSync(join(target, file))), file);
    }
  });

  it('holds the file, install.sh, checksums, licences and docs, all owned by root', () => {
    const listing = execFileSync('tar', ['tvzf', tar], { encoding: 'utf8' });
    for (const line of listing.trim().split('\n'))
      assert.match(line, /^-rw[x-]r-[x-]r-[x-] root\/root /);
    assert.match(listing, /^-rwxr-xr-x .*\/install\.sh$/m);
    assert.match(listing, /^-rwxr-xr-x .*\/out\/outrigger$/m);
    for (const name of [
      'SHA256SUMS',
      'outrigger.cdx.json',
      'LICENSE',
      'LICENSES-THIRD-PARTY',
      'README.md',
      'out/outrigger.map.json',
      'docs/operating.md',
    ])
      assert.ok(listing.includes(`/${name}\n`), name);
  });

  describe('for Debian and for systems with rpm', { skip: cannotInstall }, () => {
    describeSystemPackages(() => join(folder, 'one'));
  });

  describe('unpacked on a server without the internet', { skip }, () => {
    let farm: Farm;
    before(async () => {
      farm = await startFarm();
    });
    after(() => farm?.remove());

    it('fits its checksums, and its install.sh installs it on two servers', async () => {
      const unpacked = join(folder, 'unpacked');
      mkdirSync(unpacked);
      execFileSync('tar', ['xzf', tar, '-C', unpacked, '--strip-components=1']);
      execFileSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: unpacked });
      const args = ['--name', 'ext', '--host', 'a', '--host', 'b', ...farm.way];
      const { code, output } = await runScript(join(unpacked, 'install.sh'), args);
      assert.equal(code, 0, output);
      const installed = farm.servers.b.read('etc/cloudstack/extensions/ext/outrigger');
      assert.equal(installed, readFileSync(join(unpacked, 'out/outrigger'), 'utf8'));
    });
  });
});
