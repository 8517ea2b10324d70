import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Farm, inOrder, runScript, skip, startFarm } from './server-farm.ts';

const place = 'etc/cloudstack/extensions/proxmox_ts/outrigger';
const name = ['--name', 'Proxmox TS'];

// Every case starts from what the case before has left.
describe('install.sh on three servers', { skip }, () => {
  let farm: Farm;
  before(async () => {
    farm = await startFarm();
    const { code, output } = await farm.run(...name, '--file', farm.file);
    assert.equal(code, 0, output);
  });
  after(() => farm?.remove());
  const everywhere = (file: string) => {
    const text = readFileSync(file, 'utf8');
    for (const server of farm.all) assert.equal(server.read(place), text, server.name);
  };
  const listings = () => farm.all.map((server) => server.listing());

  it('puts the same file on all of them, as CloudStack needs it', () => {
    everywhere(farm.file);
    for (const { root, tree } of farm.all) {
      const cloud = statSync(tree).uid;
      assert.equal(statSync(join(root, place)).mode & 0o7777, 0o755);
      assert.equal(statSync(join(root, place)).uid, cloud);
      assert.equal(statSync(join(tree, 'proxmox_ts')).uid, cloud);
      assert.equal(statSync(join(tree, 'proxmox_ts')).mode & 0o7777, 0o755);
      assert.equal(statSync(join(root, 'var/lib/outrigger')).mode & 0o7777, 0o700);
    }
  });

  it('leaves no other file in the extensions directory or beside it', () => {
    for (const server of farm.all) {
      const paths = server
        .listing()
        .split('\n')
        .map((line) => line.split(' ')[0])
        .filter((path) => path?.startsWith('etc/cloudstack/'));
      assert.deepEqual(paths, [
        'etc/cloudstack/extensions',
        'etc/cloudstack/extensions/Proxmox',
        'etc/cloudstack/extensions/Proxmox/proxmox.sh',
        'etc/cloudstack/extensions/proxmox_ts',
        'etc/cloudstack/extensions/proxmox_ts/outrigger',
      ]);
    }
  });

  it('changes nothing when it runs again, and says that there is nothing to do', async () => {
    const before = listings();
    const { code, output } = await farm.run(...name, '--file', farm.file);
    assert.equal(code, 0, output);
    assert.match(output, /Nothing to do: 3 server\(s\) have it already/);
    assert.deepEqual(listings(), before);
  });

  it('says with --dry-run what an install would do, and changes nothing', async () => {
    const before = listings();
    const { code, output } = await farm.run(...name, '--file', farm.next, '--dry-run');
    assert.equal(code, 0, output);
    assert.match(output, /b: replaces \d+\.\d+\.\d+/);
    assert.match(output, /Nothing was changed/);
    assert.deepEqual(listings(), before);
  });

  it('sets the owner and mode of an installed file right', async () => {
    const { root } = farm.servers.b;
    chmodSync(join(root, place), 0o644);
    const { code, output } = await farm.run(...name, '--file', farm.file);
    assert.equal(code, 0, output);
    assert.match(output, /b: mends owner and mode \(cloud:cloud 644\)/);
    assert.equal(statSync(join(root, place)).mode & 0o7777, 0o755);
  });

  it('says how a server that never had another version gets the one before, and rolls nothing back', async () => {
    const up = await farm.run(...name, '--file', farm.next);
    assert.equal(up.code, 0, up.output);
    rmSync(join(farm.servers.c.root, 'var/lib/outrigger/proxmox_ts/outrigger/previous'));
    const before = listings();
    const { code, output } = await farm.run(...name, '--rollback');
    assert.equal(code, 1, output);
    assert.match(output, /c: no version before is kept there; .* that a keeps: copy \S+\/previous/);
    assert.deepEqual(listings(), before);
    const again = await farm.run(...name, '--file', farm.file);
    assert.equal(again.code, 0, again.output);
  });

  it('upgrades, goes back with --rollback, and forward again with another --rollback', async () => {
    const up = await farm.run(...name, '--file', farm.next);
    assert.equal(up.code, 0, up.output);
    everywhere(farm.next);
    for (const file of [farm.file, farm.next]) {
      const back = await farm.run(...name, '--rollback');
      assert.equal(back.code, 0, back.output);
      everywhere(file);
    }
  });

  it('refuses --rollback where the servers have kept different versions', async () => {
    const { a, b } = farm.servers;
    const kept = 'var/lib/outrigger/proxmox_ts/outrigger/previous';
    const previous = b.read(kept);
    b.write(kept, readFileSync(farm.file, 'utf8').replace('\n', ' \n'), 0o755, 'cloud:cloud');
    const before = listings();
    const { code, output } = await farm.run(...name, '--rollback');
    assert.equal(code, 1, output);
    assert.match(output, /b: the version before is not the same as on the servers above/);
    assert.deepEqual(listings(), before);
    b.write(kept, previous, 0o755, 'cloud:cloud');
    assert.equal(a.read(kept), previous);
  });

  it('writes the Node of --node into line 1 on all servers, and changes nothing else', async () => {
    const [original = '', ...body] = readFileSync(farm.file, 'utf8').split('\n');
    const ordinary =
      '#!/usr/bin/env -SNODE_OPTIONS= NODE_EXTRA_CA_CERTS= NODE_DEBUG= node -e require(process.argv[1])';
    const node = join(farm.folder, 'n');
    symlinkSync(process.execPath, node);
    const file = join(farm.folder, 'other-line-1');
    for (const line of [original, ordinary]) {
      writeFileSync(file, [line, ...body].join('\n'));
      const { code, output } = await farm.run(...name, '--file', file, '--node', node);
      assert.equal(code, 0, output);
      const [first = '', ...rest] = farm.servers.c.read(place).split('\n');
      // With a longer Node, the usual line 1 is written in a shorter form that old kernels can read.
      const shorter = line.replace(/ -e .*/, ' -e require(process.argv[1])');
      assert.equal(first, shorter.replace(' node ', ` ${node} `));
      assert.ok(first.length <= 127, 'kernels before 5.1 read no more');
      assert.deepEqual(rest, body);
      const check = await farm.run(...name, '--file', file, '--check');
      assert.equal(check.code, inOrder.code, check.output);
    }
    const back = await farm.runOn(['a'], ...name, '--file', farm.file);
    assert.equal(back.code, 0, back.output);
    const differs = await farm.run(...name, '--file', farm.file, '--check');
    assert.equal(differs.code, 2, 'a has another line 1 than the others now');
    assert.match(differs.output, /line 1 names another Node than on the other servers/);
  });

  it('recognises the Node in line 1 of a file of an older version', async () => {
    const { b } = farm.servers;
    const before = b.read(place);
    const node = join(farm.folder, 'older');
    symlinkSync(process.execPath, node);
    const line = `#!/usr/bin/env -S -u NODE_OPTIONS -u NODE_EXTRA_CA_CERTS -u NODE_DEBUG ${node} --no-warnings`;
    const [, ...body] = readFileSync(farm.file, 'utf8').split('\n');
    b.write(place, [line, ...body].join('\n'), 0o755, 'cloud:cloud');
    b.setNode(undefined);
    const check = await farm.runOn(['b'], ...name, '--file', farm.file, '--check');
    b.mendNode();
    b.write(place, before, 0o755, 'cloud:cloud');
    assert.equal(check.code, inOrder.code, check.output);
  });

  it('lets every call of the old and of the new file succeed while it renames', async () => {
    let done = false;
    const upgrade = farm.runOn(['a'], ...name, '--file', farm.next).finally(() => {
      done = true;
    });
    let calls = 0;
    while (!done) {
      // Not `version`: it compares itself with the file, which may be the new one by then.
      const call = await runScript(join(farm.servers.a.root, place), ['--help']);
      assert.equal(call.code, 0, call.output);
      calls++;
    }
    const { code, output } = await upgrade;
    assert.equal(code, 0, output);
    assert.ok(calls > 2, `only ${calls} calls`);
    const back = await farm.runOn(['a'], ...name, '--rollback');
    assert.equal(back.code, 0, back.output);
  });

  it('removes all of its files with --uninstall --force, and none without --force', async () => {
    const before = listings();
    const asked = await farm.run(...name, '--uninstall');
    assert.equal(asked.code, 2, asked.output);
    assert.match(asked.output, /cmk list extensions/);
    assert.deepEqual(listings(), before);
    const { code, output } = await farm.run(...name, '--uninstall', '--force');
    assert.equal(code, 0, output);
    for (const server of farm.all) assert.doesNotMatch(server.listing(), /proxmox_ts|outrigger/);
    const again = await farm.run(...name, '--file', farm.file);
    assert.equal(again.code, 0, again.output);
  });
});
