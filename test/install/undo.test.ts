import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Farm, installer, skip, startFarm } from './server-farm.ts';

const place = 'etc/cloudstack/extensions/ext/outrigger';

describe('install.sh, when an upgrade fails half way,', { skip }, () => {
  let farm: Farm;
  before(async () => {
    farm = await startFarm();
    const { code, output } = await farm.run('--name', 'ext', '--file', farm.file);
    assert.equal(code, 0, output);
  });
  after(() => farm?.remove());
  const upgrade = () => farm.run('--name', 'ext', '--file', farm.next);
  const listings = () => farm.all.map((server) => server.listing());
  /** A slow restorecon on c, which notes what it labels: all servers have renamed but not kept the file then. */
  const slowLabel = (seconds = 2) =>
    farm.servers.c.write(
      'tools/restorecon',
      `#!/bin/sh\necho "$*" >>${farm.folder}/labelling\nsleep ${seconds}\n`,
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
    // c runs this node for the trial run of the new file, the last step before the renames.
    c.setNode(
      `#!/bin/sh\nfor last; do :; done\n[ "$last" = version ] && rm -f ${dest} && mkdir ${dest}\nexec ${process.execPath} "$@"\n`,
    );
    const { code, output } = await upgrade();
    c.mendNode();
    assert.equal(code, 1, output);
    assert.match(output, /b: mv: cannot overwrite directory/);
    assert.match(output, /Everything was put back/);
    assert.ok(
      statSync(dest).isDirectory(),
      'install.sh does not remove a directory that it has not made',
    );
    rmSync(dest, { recursive: true });
    b.write(place, a.read(place), 0o755, 'cloud:cloud');
    assert.deepEqual(listings(), before);
  });

  it('puts all servers back when another program changes the file on one before the rename', async () => {
    const { a, b, c } = farm.servers;
    const before = listings();
    const dest = join(b.root, place);
    c.setNode(
      `#!/bin/sh\nfor last; do :; done\n[ "$last" = version ] && echo changed >${dest}\nexec ${process.execPath} "$@"\n`,
    );
    // So that user cloud of c may write the file of b.
    execFileSync('chmod', ['666', dest]);
    const { code, output } = await upgrade();
    c.mendNode();
    assert.equal(code, 1, output);
    assert.match(output, /b: another program has just changed \S+outrigger/);
    assert.equal(b.read(place), 'changed\n');
    b.write(place, a.read(place), 0o755, 'cloud:cloud');
    assert.deepEqual(listings(), before);
  });

  it('puts a server back when SIGTERM ends the session there after the rename', async () => {
    const before = listings();
    const { c } = farm.servers;
    slowLabel();
    const running = upgrade();
    await labelling();
    for (const pid of holdersOf(c.tree)) process.kill(pid, 'SIGTERM');
    const { code, output } = await running;
    mend();
    assert.equal(code, 3, output);
    assert.match(output, /c: the session was lost/);
    assert.deepEqual(listings(), before);
  });

  it('removes the work folders that a lost session has left', async () => {
    const { a } = farm.servers;
    const before = a.listing();
    a.write('etc/cloudstack/.outrigger-work-lost/outrigger', 'half a file');
    const { code, output } = await farm.run('--name', 'ext', '--file', farm.file);
    assert.equal(code, 0, output);
    assert.equal(a.listing(), before);
  });

  it('neither waits for a process that user cloud leaves behind nor leaves it the lock', async () => {
    const { a } = farm.servers;
    a.setNode(`#!/bin/sh\nsleep 60 </dev/null >/dev/null 2>&1 &\nexec ${process.execPath} "$@"\n`);
    const startedMs = performance.now();
    const runs = [
      await farm.runOn(['a'], '--name', 'ext', '--file', farm.file),
      await farm.runOn(['a'], '--name', 'ext', '--file', farm.file),
    ];
    a.mendNode();
    for (const { code, output } of runs) assert.equal(code, 0, output);
    assert.ok(performance.now() - startedMs < 50_000);
  });

  it('leaves every server as it was when it is killed after the renames', async () => {
    const before = listings();
    slowLabel(6);
    const args = ['a', 'b', 'c'].flatMap((host) => ['--host', host]);
    const child = spawn(installer, [...args, ...farm.way, '--name', 'ext', '--file', farm.next], {
      stdio: 'ignore',
    });
    await labelling();
    await until(() => farm.servers.a.read(place) === readFileSync(farm.next, 'utf8'));
    child.kill('SIGKILL');
    await until(() => farm.servers.a.read(place) === readFileSync(farm.file, 'utf8'));
    const slow = farm.servers.c.read(place);
    assert.equal(slow, readFileSync(farm.next, 'utf8'), 'a does not wait for c');
    await until(() =>
      farm.all.every((server) => server.read(place) === readFileSync(farm.file, 'utf8')),
    );
    const labelled = readFileSync(join(farm.folder, 'labelling'), 'utf8').trim().split('\n');
    assert.equal(labelled[0], `-- ${join(farm.servers.c.root, place)}`);
    mend();
    await until(() => !listings().some((listing) => /outrigger-work|\.new /.test(listing)));
    assert.deepEqual(listings(), before);
  });

  it('puts every server back at Ctrl-C, and ends with exit code 3 after the renames', async () => {
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

  it('warns of an SELinux label that could not be set', async () => {
    farm.servers.c.write('tools/restorecon', '#!/bin/sh\nexit 1\n');
    const { code, output } = await upgrade();
    mend();
    assert.equal(code, 0, output);
    assert.match(output, /c: warning: restorecon \S+outrigger failed/);
    const back = await farm.run('--name', 'ext', '--rollback');
    assert.equal(back.code, 0, back.output);
  });

  it('names the server whose session is lost after the rename, and mends it in the next run', async () => {
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

  it('refuses a server at which another install.sh is at work, and changes no server', async () => {
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

  it('leaves the same file on every server when two runs race', async () => {
    const [one, two] = await Promise.all([upgrade(), farm.run('--name', 'ext', '--rollback')]);
    for (const { code, output } of [one, two]) {
      assert.ok(code === 0 || code === 1, output);
    }
    const texts = new Set(farm.all.map((server) => server.read(place)));
    assert.equal(texts.size, 1, `${one.output}\n${two.output}`);
  });
});

/** The processes that hold the lock of install.sh on a directory. */
function holdersOf(directory: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => lockOf(pid) === directory).map(Number);
}

function lockOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/9`);
  } catch {
    // The process has ended, or has no such descriptor.
    return undefined;
  }
}

/** Waits for another process; a test that waits in vain fails after a minute. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (condition()) return;
    await sleep(20);
  }
  assert.fail('it did not happen within a minute');
}
