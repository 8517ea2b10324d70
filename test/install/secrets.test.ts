import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Farm, installer, runScript, skip, startFarm } from './server-farm.ts';

const secret = 'correct horse battery staple';

// Every case starts from what the case before has left on two servers.
describe('install.sh with secrets and a configuration', { skip }, () => {
  let farm: Farm;
  let given: readonly string[] = [];
  before(async () => {
    farm = await startFarm();
    writeFileSync(join(farm.folder, 'token'), `${secret}\n`, { mode: 0o600 });
    writeFileSync(join(farm.folder, 'config.json'), '{"log":{"level":"debug"}}\n');
    const config = join(farm.folder, 'config.json');
    given = ['--secret', `pve-token=${join(farm.folder, 'token')}`, '--config', config];
  });
  after(() => farm?.remove());
  const run = (...args: readonly string[]) =>
    farm.runOn(['a', 'b'], '--name', 'ext', '--file', farm.file, ...args);

  it('refuses a configuration that Outrigger refuses, and changes no server', async () => {
    const before = farm.servers.a.listing();
    const bad = join(farm.folder, 'bad.json');
    const install = (text: string) => {
      writeFileSync(bad, text);
      return farm.runOn(['a'], '--name', 'ext', '--file', farm.file, '--config', bad);
    };
    const broken = await install('{"log": \n');
    assert.equal(broken.code, 1, broken.output);
    assert.match(
      broken.output,
      /a: Outrigger refuses the config file: config\.json cannot be read: it is no JSON/,
    );
    const unknown = await install('{"log": {"levle": "debug"}}');
    assert.equal(unknown.code, 1, unknown.output);
    assert.match(unknown.output, /config\.json is invalid: "log\.levle" is not known/);
    assert.equal(farm.servers.a.listing(), before);
  });

  it('says with --dry-run which of them an install would place, and shows none', async () => {
    const { a } = farm.servers;
    const before = a.listing();
    const fresh = await run(...given, '--dry-run');
    assert.match(fresh.output, /secrets: would be made\n.*secrets\/pve-token: would be placed/);
    assert.match(fresh.output, /config\.json: would be placed/);
    a.write('etc/outrigger/config.json', '{"log":{"level":"debug"}}\n', 0o644, 'root:root');
    a.write('etc/outrigger/secrets/pve-token', 'another\n', 0o640, 'root:cloud');
    const { output } = await run(...given, '--dry-run');
    rmSync(join(a.root, 'etc/outrigger'), { recursive: true });
    assert.match(
      output,
      /pve-token: would replace another content\n.*config\.json: is there already/,
    );
    assert.ok(!fresh.output.includes(secret) && !output.includes(secret));
    assert.equal(a.listing(), before);
  });

  it('places them with the owner and mode that Outrigger demands, and never shows them', async () => {
    const { code, output } = await run(...given);
    assert.equal(code, 0, output);
    assert.ok(!output.includes(secret));
    for (const { root, tree, read } of [farm.servers.a, farm.servers.b]) {
      const group = statSync(tree).gid;
      const facts = (path: string) => {
        const { uid, gid, mode } = statSync(join(root, path));
        return [uid, gid, (mode & 0o7777).toString(8)];
      };
      assert.deepEqual(facts('etc/outrigger'), [0, 0, '755']);
      assert.deepEqual(facts('etc/outrigger/secrets'), [0, group, '750']);
      assert.deepEqual(facts('etc/outrigger/secrets/pve-token'), [0, group, '640']);
      assert.deepEqual(facts('etc/outrigger/config.json'), [0, 0, '644']);
      assert.equal(read('etc/outrigger/secrets/pve-token'), `${secret}\n`);
    }
  });

  it('changes nothing when the same secrets and configuration are there already', async () => {
    const before = farm.servers.a.listing();
    const { code, output } = await run(...given);
    assert.equal(code, 0, output);
    assert.match(output, /Nothing to do/);
    assert.equal(farm.servers.a.listing(), before);
  });

  it('lets no other user read them at any moment of an install', async () => {
    const { a } = farm.servers;
    const busy = join(farm.folder, 'busy');
    // restorecon runs when the file is in place and the secret is still in the work folder.
    a.write('tools/restorecon', `#!/bin/sh\n: >${busy}\nsleep 3\n`);
    writeFileSync(join(farm.folder, 'token'), `${secret} anew\n`);
    const running = farm.runOn(['a'], '--name', 'ext', '--file', farm.next, ...given);
    for (let tries = 0; tries < 3000 && !existsSync(busy); tries++) await sleep(20);
    const seenBy = (who: { readonly uid: number; readonly gid: number }) =>
      spawnSync('grep', ['-rls', `${secret} anew`, a.root], { ...who, encoding: 'utf8' }).stdout;
    const [seenByRoot, seenByOthers] = [
      { uid: 0, gid: 0 },
      { uid: 65534, gid: 65534 },
    ].map(seenBy);
    const workMode = statSync(dirname(seenByRoot?.trim() ?? '')).mode & 0o777;
    const { code, output } = await running;
    rmSync(join(a.root, 'tools'), { recursive: true });
    assert.equal(code, 0, output);
    assert.match(seenByRoot ?? '', /^\S+etc\/outrigger\/\.outrigger-work-\S+\n$/);
    assert.equal(workMode, 0o700, 'before it has its own mode, its folder protects it');
    assert.equal(seenByOthers, '');
  });

  it('shows with --check a row for the configuration and for each secret', async () => {
    const token = ['--secret', `pve-token=${join(farm.folder, 'token')}`];
    const { code, output } = await run(...token);
    assert.equal(code, 0, output);
    const checked = await run('--check');
    assert.match(checked.output, /^config\.json +ok *$/m);
    assert.match(checked.output, /^secrets\/pve-token +ok *$/m);
  });

  it('names with --check a secret that differs, is missing or open to other users, but not its content', async () => {
    const { a, b } = farm.servers;
    b.write('etc/outrigger/secrets/pve-token', 'another\n', 0o640, 'root:cloud');
    a.write('etc/outrigger/secrets/extra', 'x\n', 0o640, 'root:root');
    a.write('etc/outrigger/secrets/open', 'x\n', 0o644, 'root:cloud');
    b.write('etc/outrigger/secrets/open', 'x\n', 0o640, 'root:cloud');
    const { code, output } = await run('--check');
    assert.equal(code, 2, output);
    assert.match(output, /secrets\/pve-token is not the same here as on [ab]/);
    assert.match(output, /secrets\/extra is missing here, but another server has it/);
    assert.match(output, /^secrets\/pve-token +differs *$/m);
    assert.match(output, /^secrets\/extra +missing *$/m);
    const wanted = 'has to be root:cloud with mode 0640, but is';
    assert.match(output, new RegExp(`secrets/extra ${wanted} root:root 640`));
    assert.match(output, new RegExp(`secrets/open ${wanted} root:cloud 644`));
    assert.ok(!output.includes('another\n') && !output.includes(secret));
  });

  it('keeps the plain hash of a secret out of the trace of bash -x', async () => {
    const args = ['--host', 'a', '--host', 'b', ...farm.way, '--name', 'ext', '--check'];
    const { output } = await runScript('/bin/bash', ['-x', installer, ...args]);
    const hash = createHash('sha256').update('another\n').digest('hex');
    assert.match(output, /secrets\/pve-token is not the same here/);
    assert.match(output, /fact secret\.secrets\/pve-token [0-9a-f]{64}/);
    assert.ok(!output.includes(hash), 'a short secret can be guessed from its hash');
  });

  it('reports with --check a secrets directory that other users may write in, and links in it', async () => {
    const { a } = farm.servers;
    const secrets = join(a.root, 'etc/outrigger/secrets');
    chmodSync(secrets, 0o770);
    symlinkSync('pve-token', join(secrets, 'soft'));
    linkSync(join(secrets, 'open'), join(secrets, 'hard'));
    const { code, output } = await farm.runOn(['a'], '--name', 'ext', '--check');
    assert.equal(code, 2, output);
    assert.match(output, /etc\/outrigger\/secrets has to belong to root, and no other user may/);
    assert.match(output, /secrets\/soft is not a plain file without links/);
    assert.match(output, /secrets\/hard is not a plain file without links/);
  });

  it('refuses to place a secret over a link', async () => {
    const { a } = farm.servers;
    const target = join(farm.folder, 'target');
    writeFileSync(target, 'untouched');
    symlinkSync(target, join(a.root, 'etc/outrigger/secrets/linked'));
    const token = join(farm.folder, 'token');
    const { code, output } = await farm.runOn(
      ['a'],
      ...['--name', 'ext', '--file', farm.file, '--secret', `linked=${token}`],
    );
    assert.equal(code, 1, output);
    assert.match(output, /secrets\/linked is not a plain file without links/);
    assert.equal(readFileSync(target, 'utf8'), 'untouched');
  });
});
