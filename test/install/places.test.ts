import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Farm, skip, startFarm } from './server-farm.ts';

const cannotMount = mayMount() ? false : 'root may not mount a file system on this machine';

describe('install.sh, on a server with an unsuitable directory,', { skip }, () => {
  let farm: Farm;
  let untouched: readonly string[] = [];
  const mounted: string[] = [];
  before(async () => {
    farm = await startFarm();
    untouched = farm.all.map((server) => server.listing());
  });
  after(() => farm?.remove());
  afterEach(() => {
    for (const place of mounted.splice(0)) execFileSync('umount', [place]);
    for (const server of farm.all) server.mendNode();
    assert.deepEqual(
      farm.all.map((server) => server.listing()),
      untouched,
    );
  });
  const install = () => farm.run('--name', 'ext', '--file', farm.file);
  const mount = (size: string, place: string): void => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'outrigger-test', place]);
    mounted.push(place);
  };

  it('refuses a server without enough space before it copies the file', {
    skip: cannotMount,
  }, async () => {
    const { b } = farm.servers;
    mount('200k', join(b.root, 'etc/cloudstack'));
    mkdirSync(b.tree);
    const { code, output } = await install();
    assert.equal(code, 1, output);
    assert.match(output, /b: \S+b\/etc\/cloudstack has \d+ KiB free, the install needs \d+ KiB/);
  });

  it('puts no file in place when the disk fills up while it copies', {
    skip: cannotMount,
  }, async () => {
    const { b } = farm.servers;
    const small = join(b.root, 'etc/cloudstack');
    mount('6m', small);
    mkdirSync(b.tree);
    chmodSync(small, 0o777);
    // install.sh runs Node once after it has looked at the free space, and before it sends the file.
    b.setNode(
      `#!/bin/sh\nhead -c 9m /dev/zero 2>/dev/null >${small}/full\nexec ${process.execPath} "$@"\n`,
    );
    const { code, output } = await install();
    assert.equal(code, 1, output);
    assert.match(output, /b: \S+ did not arrive whole \(\d+ of \d+ bytes/);
    assert.match(output, /every server is as it was before/);
    assert.deepEqual(readdirSync(small).sort(), ['extensions', 'full']);
  });

  it('refuses an extensions directory that is read-only or a file system of its own', {
    skip: cannotMount,
  }, async () => {
    const { b, c } = farm.servers;
    const small = join(b.root, 'etc/cloudstack');
    mount('9m', c.tree);
    mount('9m', small);
    mkdirSync(b.tree);
    execFileSync('mount', ['-o', 'remount,ro', small]);
    const { code, output } = await install();
    assert.equal(code, 1, output);
    assert.match(output, /b: root may not write in \S+extensions and \S+ \(read-only\?\)/);
    assert.match(output, /c: \S+extensions is a file system of its own, .*: mount \S+ instead/);
  });

  it('refuses a directory that every user may write in, and a link', async () => {
    const { a, b, c } = farm.servers;
    chmodSync(a.tree, 0o757);
    mkdirSync(join(b.tree, 'ext'));
    chmodSync(join(b.tree, 'ext'), 0o777);
    symlinkSync('/tmp', join(c.tree, 'ext'));
    const { code, output } = await install();
    chmodSync(a.tree, 0o755);
    for (const { tree } of [b, c]) rmSync(join(tree, 'ext'), { recursive: true });
    assert.equal(code, 1, output);
    assert.match(output, /a: every user may write in \S+extensions \(mode 757\): chmod o-w it/);
    assert.match(output, /b: every user may write in \S+ext \(mode 777\)/);
    assert.match(output, /c: \S+ext is not a plain directory/);
  });
});

/** Where CI is set, a machine without mounts is a mistake, and the tests have to fail there. */
function mayMount(): boolean {
  if (skip !== false || process.env['CI'] !== undefined) return true;
  const place = mkdtempSync(join(tmpdir(), 'outrigger-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'outrigger-test', place], {
      stdio: 'ignore',
    });
    execFileSync('umount', [place]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
}
