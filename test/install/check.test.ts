import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { secretKey, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { fingerprintOf } from '../../fakes/http/keys.ts';
import { type Farm, inOrder, skip, startFarm } from './server-farm.ts';

const place = 'etc/cloudstack/extensions/ext/outrigger';

// Every case but the last ends with all servers in order again.
describe('install.sh --check', { skip }, () => {
  let farm: Farm;
  before(async () => {
    farm = await startFarm();
    await install();
  });
  after(() => farm?.remove());
  const install = async (...args: readonly string[]) => {
    const { code, output } = await farm.run('--name', 'ext', '--file', farm.file, ...args);
    assert.equal(code, 0, output);
    return output;
  };
  const check = (...args: readonly string[]) =>
    farm.run('--name', 'ext', '--file', farm.file, '--check', ...args);

  it('says OK when all servers have the local file, and changes nothing', async () => {
    const before = farm.all.map((server) => server.listing());
    const { code, output } = await check();
    assert.equal(code, inOrder.code, output);
    assert.match(output, /^a +ok +\d+\.\d+\.\d+ +[0-9a-f]{12} +\d+\.\d+\.\d+$/m);
    assert.match(output, new RegExp(`^${inOrder.last}: all servers are the same`, 'm'));
    assert.deepEqual(
      farm.all.map((server) => server.listing()),
      before,
    );
  });

  it('warns, with exit code 1, of a file in the extension directory that is not Outrigger', async () => {
    const { a } = farm.servers;
    a.write('etc/cloudstack/extensions/ext/outrigger.bak', '');
    const { code, output } = await check();
    rmSync(join(a.root, `${place}.bak`));
    assert.equal(code, 1, output);
    assert.match(output, /warning: \S+outrigger\.bak does not belong there/);
  });

  it('tells apart another version, a file that an upgrade has rewritten and a missing file', async () => {
    const { a, b, c } = farm.servers;
    a.write(place, readFileSync(farm.next, 'utf8'), 0o755, 'cloud:cloud');
    b.write(place, '#!/bin/sh\necho the stub of CloudStack\n', 0o755, 'cloud:cloud');
    rmSync(join(c.root, place));
    const { code, output } = await check();
    assert.equal(code, 2, output);
    assert.match(output, /^a +differs .*\n +not the same as the local file/m);
    assert.match(output, /^b +rewritten .*\n.*an upgrade of CloudStack puts its own script back/m);
    assert.match(output, /^c +missing /m);
    assert.match(output, /^CRITICAL: /m);
    await install();
    assert.match(b.listing(), /var\/lib\/outrigger\/ext\/outrigger\/displaced /);
  });

  it('tells apart a server that is down, a file changed by hand and a wrong mode', async () => {
    const { a, b, c } = farm.servers;
    await b.stop();
    appendFileSync(join(a.root, place), '// by hand\n');
    chmodSync(join(c.root, place), 0o644);
    const { code, output } = await check();
    await b.start();
    assert.equal(code, 2, output);
    assert.match(output, /^a +modified /m);
    assert.match(output, /^b +unreachable .*\n +cannot be reached: .*refused/m);
    assert.match(output, /^c +mode .*\n +owner and mode are cloud:cloud 644/m);
    await install();
  });

  it('compares the path with the one that CloudStack has registered, and shows no key', async (t) => {
    const cloud = await startCloudStack(t);
    const pin = { ca_file: undefined, tls_fingerprint: fingerprintOf('trusted') };
    const credentials = cloud.credentials(pin);
    const none = await check('--credentials', credentials);
    assert.equal(none.code, 2, none.output);
    assert.match(none.output, /^CloudStack +differs *\n +asked on a: .* has no extension "ext"/m);
    const { a } = farm.servers;
    const alone = (...args: readonly string[]) =>
      farm.runOn(['a'], '--name', 'ext', '--file', farm.file, '--check', ...args);
    const [builtIn] = cloud.state.extensions;
    assert.ok(builtIn);
    const made = { id: 'own', name: 'ext', path: 'ext/outrigger', isUserDefined: true };
    const own = { ...builtIn, ...made };
    cloud.state.extensions.push(own);
    cloud.state.files.add(own.path);
    const before = a.listing();
    const right = await alone('--credentials', credentials);
    assert.equal(right.code, inOrder.code, right.output);
    assert.match(right.output, new RegExp(`^CloudStack +ok *\n${inOrder.last}: `, 'm'));
    own.path = 'ext/elsewhere';
    const other = await alone('--credentials', credentials);
    assert.match(
      other.output,
      /^CloudStack +differs *\n.* calls \S+ext\/elsewhere for the extension/m,
    );
    const wrong = await alone('--credentials', cloud.credentials({ ...pin, secret_key: 'no' }));
    assert.equal(wrong.code, 2, wrong.output);
    assert.match(
      wrong.output,
      /^CloudStack +unknown *\n +asked on a: .*does not accept the API key/m,
    );
    assert.equal(a.listing(), before);
    const { api_key: key } = JSON.parse(readFileSync(credentials, 'utf8'));
    for (const { output } of [none, right, other, wrong]) {
      assert.ok(!output.includes(key) && !output.includes(secretKey));
    }
    assert.deepEqual(cloud.changes, []);
  });

  it('stays red for a server that answered, failed its checks and was left out', async () => {
    const { a, c } = farm.servers;
    const hotfix = ['--name', 'ext', '--file', farm.next];
    c.setNode('#!/bin/sh\necho "16.20.2 true /opt/node-16/bin/node"\n');
    const before = c.listing();
    const refused = await farm.runOn(['a', 'c'], ...hotfix);
    assert.equal(refused.code, 1, refused.output);
    const out = await farm.runOn(['a', 'c'], ...hotfix, '--allow-down', 'c');
    assert.equal(out.code, 0, out.output);
    assert.match(
      out.output,
      /c: Node\.js 16\.20\.2 .* is too old.*\n +c: left out, as --allow-down says/,
    );
    assert.match(out.output, /Still to do: c/);
    assert.equal(a.read(place), readFileSync(farm.next, 'utf8'));
    assert.equal(c.listing(), before);
    const alone = await farm.runOn(['a'], ...hotfix, '--check');
    assert.equal(alone.code, 2, alone.output);
    assert.match(alone.output, /^c +behind/m);
    c.mendNode();
    await install();
  });

  it('stays red for a server that was left out, until an install has reached it', async () => {
    const { b } = farm.servers;
    const hotfix = ['--name', 'ext', '--file', farm.next];
    await b.stop();
    const out = await farm.runOn(['a', 'b'], ...hotfix, '--allow-down', 'b');
    await b.start();
    assert.equal(out.code, 0, out.output);
    assert.match(out.output, /Still to do: b/);
    const both = await farm.runOn(['a', 'b'], ...hotfix, '--check');
    assert.equal(both.code, 2, both.output);
    assert.match(both.output, /^b +differs /m);
    const unrelated = await farm.runOn(['a'], ...hotfix);
    assert.equal(unrelated.code, 0, unrelated.output);
    const alone = await farm.runOn(['a'], ...hotfix, '--check');
    assert.equal(alone.code, 2, 'a still knows that b was left out');
    assert.match(alone.output, /^b +behind/m);
    const caught = await farm.runOn(['a', 'b'], ...hotfix);
    assert.equal(caught.code, 0, caught.output);
    const green = await farm.runOn(['a'], ...hotfix, '--check');
    assert.equal(green.code, inOrder.code, green.output);
  });
});
