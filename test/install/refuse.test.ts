import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Farm, installer, runScript, skip, startFarm } from './server-farm.ts';

const oldNode = '#!/bin/sh\necho "16.20.2 true /opt/node-16/bin/node"\n';
const place = 'etc/cloudstack/extensions/ext/outrigger';

describe('install.sh, where a server fails its checks,', { skip }, () => {
  let farm: Farm;
  let untouched: readonly string[] = [];
  before(async () => {
    farm = await startFarm();
    untouched = farm.all.map((server) => server.listing());
  });
  after(() => farm?.remove());
  // Every case undoes its own changes, so a difference is what a refused install has left behind.
  afterEach(() => {
    for (const server of farm.all) server.mendNode();
    assert.deepEqual(
      farm.all.map((server) => server.listing()),
      untouched,
    );
  });
  const install = (...args: readonly string[]) =>
    farm.run('--name', 'ext', '--file', farm.file, ...args);

  it('names every reason of every server at once, and changes no server', async () => {
    const { a, b, c } = farm.servers;
    a.setNode(oldNode);
    b.setNode(undefined);
    const away = join(c.root, 'away');
    renameSync(c.tree, away);
    try {
      const { code, output } = await install();
      assert.equal(code, 1, output);
      assert.match(output, /a: Node\.js 16\.20\.2 at \/opt\/node-16\/bin\/node is too old: 18\.17/);
      assert.match(output, /b: user cloud has no Node\.js: "node" in PATH \S+b\/nodes:/);
      assert.match(output, /c: \S+extensions is not a directory: is cloudstack-management/);
      assert.match(output, /Nothing was changed on any server/);
    } finally {
      renameSync(away, c.tree);
    }
  });

  it('refuses when a server is down, unless --allow-down names it', async () => {
    const { b } = farm.servers;
    await b.stop();
    try {
      const { code, output } = await install();
      assert.equal(code, 1, output);
      assert.match(output, /b: cannot be reached: .*Connection refused/);
      const allowed = await install('--allow-down', 'b', '--dry-run');
      assert.equal(allowed.code, 0, allowed.output);
      assert.match(allowed.output, /b: left out, as --allow-down says/);
      assert.match(allowed.output, /a: new/);
    } finally {
      await b.start();
    }
  });

  it('does not touch a foreign file, a directory or a link in the place of the file', async () => {
    const { a, b, c } = farm.servers;
    a.write(place, '#!/bin/sh\necho mine\n');
    b.write(`${place}/file`, '');
    c.write('etc/cloudstack/extensions/ext/other', '');
    execFileSync('ln', ['-s', 'other', join(c.root, place)]);
    const before = farm.all.map((server) => server.listing());
    try {
      const { code, output } = await install();
      assert.equal(code, 1, output);
      assert.match(output, /a: ext\/outrigger is there and is not Outrigger: move it away/);
      assert.match(output, /b: ext\/outrigger is there, but is a directory/);
      assert.match(output, /c: ext\/outrigger is there, but is a directory, a link/);
      assert.deepEqual(
        farm.all.map((server) => server.listing()),
        before,
      );
    } finally {
      for (const { tree } of farm.all) execFileSync('rm', ['-r', join(tree, 'ext')]);
    }
  });

  it('leaves a foreign file alone with --uninstall', async () => {
    const { a } = farm.servers;
    a.write(place, '#!/bin/sh\necho mine\n');
    const before = a.listing();
    const { code, output } = await farm.runOn(['a'], '--name', 'ext', '--uninstall', '--force');
    const after = a.listing();
    rmSync(join(a.tree, 'ext'), { recursive: true });
    assert.equal(code, 1, output);
    assert.match(output, /a: ext\/outrigger is not Outrigger: left alone/);
    assert.equal(after, before);
  });

  it('refuses --rollback where no version before was kept', async () => {
    const { code, output } = await install('--rollback');
    assert.equal(code, 1, output);
    assert.match(output, /a: no version before is kept there; --uninstall undoes a first install/);
  });

  it('shows the control characters that a server sends as question marks', async () => {
    const { a } = farm.servers;
    a.setNode('#!/bin/sh\nprintf "\\033[31mred\\a"\n');
    const { code, output } = await farm.runOn(['a'], '--name', 'ext', '--file', farm.file);
    assert.equal(code, 1, output);
    assert.match(output, /a: user cloud has no Node\.js: .* answered "\?\[31mred\?"/);
  });

  it('gives up on a server that stays silent', async () => {
    const { a } = farm.servers;
    const impatient = join(farm.folder, 'impatient.sh');
    const script = readFileSync(installer, 'utf8');
    const shorter = script.replace(/silence_seconds=\d+/, 'silence_seconds=3');
    assert.notEqual(shorter, script);
    writeFileSync(impatient, shorter, { mode: 0o755 });
    a.write('tools/id', '#!/bin/sh\necho 1000\n');
    a.write('tools/sudo', '#!/bin/sh\nexec sleep 30\n');
    const args = ['--host', 'a', ...farm.way, '--name', 'ext', '--file', farm.file];
    const startedMs = performance.now();
    const { code, output } = await runScript(impatient, args);
    execFileSync('rm', ['-r', join(a.root, 'tools')]);
    assert.equal(code, 1, output);
    assert.match(output, /a: cannot be reached: the server sent nothing for 3 seconds/);
    assert.ok(
      performance.now() - startedMs < 25_000,
      'and install.sh does not wait for the silent session to end',
    );
  });

  it('warns of a Node that was built without a snapshot, and of a foreign file beside ours', async () => {
    const { a, c } = farm.servers;
    const node = `#!/bin/sh\n[ "$1" = -e ] && echo "18.20.4 false /usr/bin/node" && exit\nexec ${process.execPath} "$@"\n`;
    a.setNode(node);
    c.write('etc/cloudstack/extensions/ext/outrigger.bak', '');
    const { code, output } = await install('--dry-run');
    execFileSync('rm', ['-r', join(c.tree, 'ext')]);
    assert.equal(code, 0, output);
    assert.match(
      output,
      /warning: Node\.js 18\.20\.4 at \/usr\/bin\/node was built without a snap/,
    );
    assert.match(output, /warning: \S+outrigger\.bak does not belong there/);
  });

  it('warns of a line 1 that is longer than an old kernel reads', async () => {
    const { a, b } = farm.servers;
    const kernel = 'proc/sys/kernel/osrelease';
    a.write(kernel, '4.18.0-553.el8_10.x86_64\n');
    b.write(kernel, '5.15.0-124-generic\n');
    const node = join(farm.folder, 'node-of-a-long-name');
    // The trial run fails, as it does where the kernel cuts line 1 off.
    const cut = `#!/bin/sh\nfor last; do :; done\n[ "$last" = version ] && exit 1\nexec ${process.execPath} "$@"\n`;
    writeFileSync(node, cut, { mode: 0o755 });
    const { code, output } = await install('--node', node);
    for (const { root } of [a, b]) rmSync(join(root, 'proc'), { recursive: true });
    const [first = ''] = readFileSync(farm.file, 'utf8').split('\n');
    const shortest = first.replace(/ -e .*/, ' -e require(process.argv[1])');
    const length = shortest.replace(' node ', ` ${node} `).length;
    assert.match(
      output,
      new RegExp(
        `warning: line 1 of the file has ${length} characters, .* the kernel 4\\.18\\..* first in the PATH`,
      ),
    );
    assert.doesNotMatch(output, /5\.15/);
    assert.equal(code, 1, output);
    assert.match(
      output,
      /a: user cloud cannot run the file .* \(line 1 of the file .* kernel 4\.18\.\S+ reads 127: /,
    );
  });

  it('refuses a server whose host key ssh does not know, whatever the options say', async () => {
    const known = join(farm.folder, 'known_hosts');
    const text = readFileSync(known, 'utf8');
    writeFileSync(known, text.replace(/^c .*\n/m, ''));
    try {
      const { code, output } = await install('--ssh-option', 'StrictHostKeyChecking=no');
      assert.equal(code, 1, output);
      assert.match(output, /c: cannot be reached: .*Host key verification failed/);
      assert.match(output, /add it to known_hosts first/);
    } finally {
      writeFileSync(known, text);
    }
  });

  it('becomes root by sudo without a password, or says that sudo wants one', async () => {
    const { a } = farm.servers;
    a.write('tools/id', '#!/bin/sh\necho 1000\n');
    a.write('tools/sudo', '#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n');
    const refused = await farm.runOn(['a'], '--name', 'ext', '--file', farm.file, '--dry-run');
    assert.equal(refused.code, 1, refused.output);
    assert.match(refused.output, /a: cannot be reached: sudo: a password is required.*Log in as/);
    a.write('tools/sudo', '#!/bin/sh\n[ "$1 $2" = "-n --" ] && shift 2 && exec "$@"\n');
    const allowed = await farm.runOn(['a'], '--name', 'ext', '--file', farm.file, '--dry-run');
    execFileSync('rm', ['-r', join(a.root, 'tools')]);
    assert.equal(allowed.code, 0, allowed.output);
  });
});
