import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it, type TestContext } from 'node:test';
import { clientFor } from '../../fakes/pve/client.ts';
import { startProxmox } from '../../fakes/pve/index.ts';

/*
 * Uploads as a genuine 8.4 and a 9.2 answered them: the order of the fields, the names, what is
 * overwritten, what a right allows.
 */

const place = '/nodes/pve1/storage/local/upload';
const content = Buffer.from('an image\r\n--x\r\n\u0000');

type Field = readonly [name: string, value: string];

function body(fields: readonly Field[], file?: { name?: string; filename: string }): Buffer {
  const parts = fields.map(([name, value]) =>
    Buffer.from(`--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  );
  const head = `--b\r\nContent-Disposition: form-data; name="${file?.name ?? 'filename'}"; filename="${file?.filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const last = file === undefined ? [] : [Buffer.from(head), content, Buffer.from('\r\n')];
  return Buffer.concat([...parts, ...last, Buffer.from('--b--\r\n')]);
}

async function begin(t: TestContext) {
  const cluster = await startProxmox({
    ...{ scale: 0.005, tokens: [{ id: 'up@pve!up', secret: 'x' }] },
    roles: { Up: ['Datastore.AllocateTemplate'], Space: ['Datastore.AllocateSpace'] },
    acl: [{ path: '/storage/local', role: 'Up', who: 'up@pve' }],
  });
  const client = clientFor(cluster);
  t.after(async () => {
    client.close();
    await cluster.close();
  });
  const type = 'multipart/form-data; boundary=b';
  const send = (fields: readonly Field[], file?: { name?: string; filename: string }) =>
    client.send(place, type, body(fields, file));
  const listed = async (): Promise<Record<string, unknown>[]> =>
    (await client.call('GET', '/nodes/pve1/storage/local/content', { content: 'iso' }))
      .data as Record<string, unknown>[];
  const ended = async (upid: unknown): Promise<string> => {
    const task = cluster.state.tasks.find(String(upid));
    await task?.ended;
    return task?.exit ?? '';
  };
  return { cluster, client, send, listed, ended };
}

const iso: Field = ['content', 'iso'];
const sha = createHash('sha256').update(content).digest('hex');

it('stores the file under its name and overwrites an older one without a word', async (t) => {
  const { send, listed, ended, cluster } = await begin(t);
  const first = await send([iso], { filename: 'or-1.iso' });
  assert.match(String(first.data), /^UPID:pve1:.*:imgcopy::root@pam!test:$/);
  assert.equal(await ended(first.data), 'OK');
  assert.equal(await ended((await send([iso], { filename: 'or-1.iso' })).data), 'OK');
  const mine = (await listed()).filter(({ volid }) => volid === 'local:iso/or-1.iso');
  assert.deepEqual(
    mine.map(({ size }) => size),
    [content.length],
  );
  const stored = [...cluster.state.volumes].find(({ name }) => name === 'iso/or-1.iso');
  assert.deepEqual(Buffer.from(stored?.data ?? '', 'latin1'), content);
});

it('takes the fields in one order only', async (t) => {
  const { send, ended } = await begin(t);
  const algorithm: Field = ['checksum-algorithm', 'sha256'];
  const sum: Field = ['checksum', sha];
  const file = { filename: 'a.iso' };
  assert.equal(await ended((await send([iso, algorithm, sum], file)).data), 'OK');
  for (const fields of [
    [iso, sum, algorithm],
    [algorithm, sum, iso],
    [iso, ['nosuch', '1'] as Field],
  ]) {
    const { status, reason, text } = await send(fields, file);
    assert.deepEqual([status, reason, text], [400, 'Bad Request', '']);
  }
  const late = await send([], file);
  assert.equal(late.errors?.['content'], 'property is missing and it is not optional');
  const bad = await send([iso, algorithm, ['checksum', '0'.repeat(64)]], file);
  assert.match(await ended(bad.data), /^checksum mismatch: got '[0-9a-f]{64}' != expect '0{64}'$/);
});

it('changes names silently, and refuses others', async (t) => {
  const { send, listed, ended } = await begin(t);
  const names = {
    'a b (c).iso': 'a_b__c_.iso',
    '../../etc/x.iso': 'x.iso',
    '\u00fcmlaut.iso': '_mlaut.iso',
  };
  for (const filename of Object.keys(names)) await ended((await send([iso], { filename })).data);
  const known = (await listed()).map(({ volid }) => volid);
  for (const name of Object.values(names)) assert.ok(known.includes(`local:iso/${name}`), name);
  assert.equal(
    (await send([iso], { filename: 'or-4.txt' })).errors?.['filename'],
    'wrong file extension',
  );
  assert.equal((await send([iso], { filename: `${'a'.repeat(252)}.iso` })).status, 400);
  assert.equal((await send([['content', 'images']], { filename: 'a.iso' })).status, 400);
  assert.match((await send([iso], { filename: '' })).text, /^upload failed at/);
  assert.match((await send([iso])).text, /^upload failed at/);
  assert.match(
    (await send([iso], { name: 'file', filename: 'a.iso' })).text,
    /^wrong field name 'file'/,
  );
});

it('lets one right put a file there and another one remove it, a missing one included', async (t) => {
  const { cluster, client, send, ended } = await begin(t);
  const uploader = clientFor(cluster, { token: 'up@pve!up' });
  t.after(uploader.close);
  const type = 'multipart/form-data; boundary=b';
  const sent = await uploader.send(place, type, body([iso], { filename: 'r.iso' }));
  assert.equal(await ended(sent.data), 'OK');
  const path = '/nodes/pve1/storage/local/content/local:iso/r.iso';
  assert.equal(
    (await uploader.call('DELETE', path)).reason,
    'Permission check failed (/storage/local, Datastore.Allocate)',
  );
  assert.equal((await client.call('DELETE', path, { delay: '5' })).data, null);
  assert.equal(await client.task('DELETE', path), 'OK');
  cluster.state.acl = [];
  const denied = await uploader.send(place, type, body([iso], { filename: 'r.iso' }));
  assert.equal(
    denied.reason,
    'Permission check failed (/storage/local, Datastore.AllocateTemplate)',
  );
  assert.equal((await send([iso], { filename: 'ok.iso' })).status, 200);
});

it('carries a dead reference on, which a start and a backup then fail over', async (t) => {
  const { cluster, client, send, ended } = await begin(t);
  cluster.plantVm({ vmid: 101, node: 'pve1' });
  await ended((await send([iso], { filename: 's.iso' })).data);
  const config = '/nodes/pve1/qemu/101/config';
  const drive = { ide2: 'local:iso/s.iso,media=cdrom' };
  assert.equal((await client.call('PUT', config, drive)).status, 200);
  await client.task('DELETE', '/nodes/pve1/storage/local/content/local:iso/s.iso');
  const missing = "volume 'local:iso/s.iso' does not exist";
  assert.equal(await client.task('POST', '/nodes/pve1/qemu/101/status/start'), missing);
  assert.equal(await client.task('POST', '/nodes/pve1/vzdump', { vmid: '101' }), 'job errors');
  assert.equal((await client.call('PUT', config, { ide2: 'local:iso/s.iso' })).status, 400);
  assert.equal((await client.call('PUT', config, { ide2: 'none,media=cdrom' })).status, 200);
  assert.equal(await client.task('POST', '/nodes/pve1/qemu/101/status/start'), 'OK');
});
