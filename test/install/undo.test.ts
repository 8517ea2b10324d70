import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Farm, installer, skip, startFarm } from './server-farm.ts';

const place = 'etc/cloudstack/extensions/ext/outrigger';

describe('install.sh, when an upgrade fails in the middle,', { skip }, () => {
  let farm: Farm;
  before(async () => {
    farm = await startFarm();
    const { code, output } = await farm.run('--name', 'ext', '--file', farm.file);
    assert.equal(code, 0, output);
  });
  after(() => farm?.remove());
  const upgrade = () => farm.run('--name', 'ext', '--file', farm.next);
  const listings = () => farm.all.map((server) => server.listing());
  /** A restorecon on c that notes what it is to label and takes its time: everybody is in mid-commit then. */
  const slowLabel = () =>
    farm.servers.c.write(
      'tools/restorecon',
      `#!/bin/sh\necho "$*" >>${farm.folder}/labelling\nsleep 2\n`,
    );
  const labelling = () => until(() => readdirSync(farm.folder).includes('labelling'));
  const mend = () => {
    rmSync(join(farm.servers.c.root, 'tools'), { recursive: true, force: true });
    rmSync(join(farm.folder, 'labelling'), { force: true });
  };

  it('puts all servers back when the rename fails on one', async () => {
    const { a, b, c } = farm.servers;
    const before = listings();
    const dest = join(b.root, place);
    // Run when c tries the new file out, the last thing before the renames.
    c.setNode(
      `#!/bin/sh\nfor last; do :; done\n[ "$last" = version ] && rm -f ${dest} && mkdir ${dest}\nexec ${process.execPath} "$@"\n`,
    );
    const { code, output } = await upgrade();
    c.mendNode();
    assert.equal(code, 1, output);
    assert.match(output, /b: mv: cannot overwrite directory/);
    assert.match(output, /Everything was put back/);
    assert.ok(statSync(dest).isDirectory(), 'what is in the way is not ours to remove');
    rmSync(dest, { recursive: true });
    b.write(place, a.read(place), 0o755, 'cloud:cloud');
    assert.deepEqual(listings(), before);
  });

  it('leaves every server as it was when it is killed between the renames and their end', async () => {
    const before = listings();
    slowLabel();
    const args = ['a', 'b', 'c'].flatMap((host) => ['--host', host]);
    const child = spawn(installer, [...args, ...farm.way, '--name', 'ext', '--file', farm.next], {
      stdio: 'ignore',
    });
    await labelling();
    await until(() => farm.servers.a.read(place) === readFileSync(farm.next, 'utf8'));
    child.kill('SIGKILL');
    await until(() =>
      farm.all.every((server) => server.read(place) === readFileSync(farm.file, 'utf8')),
    );
    const labelled = readFileSync(join(farm.folder, 'labelling'), 'utf8').trim().split('\n');
    assert.equal(labelled[0], `-- ${join(farm.servers.c.root, place)}`);
    mend();
    await until(() => !listings().some((listing) => /outrigger-work|\.new /.test(listing)));
    assert.deepEqual(listings(), before);
  });

  it('puts every server back at Ctrl-C, and says with its exit code how far it was', async () => {
    const before = listings();
    slowLabel();
    const args = ['a', 'b', 'c'].flatMap((host) => ['--host', host]);
    const child = spawn(installer, [...args, ...farm.way, '--name', 'ext', '--file', farm.next], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (part) => (said += part));
    const ended = once(child, 'close');
    await labelling();
    await until(() => farm.servers.a.read(place) === readFileSync(farm.next, 'utf8'));
    child.kill('SIGINT');
    assert.deepEqual(await ended, [3, null]);
    assert.match(said, /stopped: every server puts itself back/);
    mend();
    assert.deepEqual(listings(), before, 'before it has ended');
  });

  it('tells of a label that could not be set', async () => {
    farm.servers.c.write('tools/restorecon', '#!/bin/sh\nexit 1\n');
    const { code, output } = await upgrade();
    mend();
    assert.equal(code, 0, output);
    assert.match(output, /c: warning: restorecon \S+outrigger failed/);
    const back = await farm.run('--name', 'ext', '--rollback');
    assert.equal(back.code, 0, back.output);
  });

  it('names the server whose session is lost between rename and end; the next run mends it', async () => {
    slowLabel();
    const running = upgrade();
    await labelling();
    await until(() => farm.servers.b.read(place) === readFileSync(farm.next, 'utf8'));
    await farm.servers.b.cutSessions();
    const { code, output } = await running;
    mend();
    assert.equal(code, 3, output);
    assert.match(output, /b: the session was lost/);
    assert.match(output, /run this again/);
    await until(() => farm.servers.b.read(place) === readFileSync(farm.file, 'utf8'));
    const again = await upgrade();
    assert.equal(again.code, 0, again.output);
    const back = await farm.run('--name', 'ext', '--file', farm.file);
    assert.equal(back.code, 0, back.output);
  });

  it('lets only one install.sh at a server, and the others change nothing', async () => {
    const before = listings();
    const lock = spawn('flock', ['-n', farm.servers.b.tree, 'cat'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await sleep(200);
    const { code, output } = await upgrade();
    lock.stdin.end();
    assert.equal(code, 1, output);
    assert.match(output, /b: another install\.sh is at work there/);
    assert.deepEqual(listings(), before);
  });

  it('ends with the same file everywhere when two of them race', async () => {
    const [one, two] = await Promise.all([upgrade(), farm.run('--name', 'ext', '--rollback')]);
    for (const { code, output } of [one, two]) {
      assert.ok(code === 0 || code === 1, output);
    }
    const texts = new Set(farm.all.map((server) => server.read(place)));
    assert.equal(texts.size, 1, `${one.output}\n${two.output}`);
  });
});

/** Waits for what another process does; a test that waits in vain fails after a minute. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (condition()) return;
    await sleep(20);
  }
  assert.fail('it did not happen within a minute');
}
