import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { clientFor } from '../../fakes/pve/client.ts';
import { type Options, startProxmox } from '../../fakes/pve/index.ts';

async function begin(t: TestContext, options: Options = {}) {
  const cluster = await startProxmox({ scale: 0.005, ...options });
  const client = clientFor(cluster);
  t.after(async () => {
    client.close();
    await cluster.close();
  });
  return { cluster, client };
}

const missing = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";

it('says the reason twice on new servers and only in the status line on old ones', async (t) => {
  const path = '/nodes/pve1/qemu/999/config';
  const { client } = await begin(t);
  const told = await client.call('GET', path);
  assert.deepEqual([told.reason, told.message], [missing, `${missing}\n`]);
  const old = await begin(t, { messages: false });
  const short = await old.client.call('GET', path);
  assert.deepEqual([short.reason, short.text], [missing, '{"data":null}']);
  const wrong = await old.client.call('PUT', path, { nosuch: '1' });
  assert.deepEqual([wrong.status, Object.keys(wrong.errors ?? {})], [400, ['nosuch']]);
});

it('takes three seconds of its own time over every 401', async (t) => {
  const { cluster } = await begin(t, { scale: 0.03 });
  const stranger = clientFor(cluster, { token: 'root@pam!test=wrong' });
  t.after(stranger.close);
  const began = cluster.clock.now();
  const reply = await stranger.call('GET', '/version');
  assert.deepEqual([reply.status, reply.reason, reply.text], [401, 'Authentication failed!', '']);
  assert.ok(cluster.clock.now() - began >= 2900);
});

it('relays to the other node with two Connection headers on one connection', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 101, node: 'pve2' });
  for (let times = 0; times < 3; times += 1) {
    const reply = await client.call('GET', '/nodes/pve2/qemu/101/config');
    assert.deepEqual([reply.status, reply.connection], [200, ['close', 'Keep-Alive']]);
  }
  assert.deepEqual([cluster.connections('pve1'), cluster.connections('pve2')], [1, 0]);
  assert.deepEqual(cluster.requests[0], {
    ...{ node: 'pve1', method: 'GET', path: '/nodes/pve2/qemu/101/config', params: {} },
    ...{ connection: 1, token: 'root@pam!test', status: 200, reason: 'OK' },
  });
});

it('answers 595 for a node that is down and no longer listens there', async (t) => {
  const { client, cluster } = await begin(t);
  await cluster.nodeDown('pve2');
  const reply = await client.call('GET', '/nodes/pve2/qemu');
  assert.deepEqual([reply.status, reply.reason, reply.text], [595, 'Connection refused', '']);
  const there = clientFor(cluster, { node: 1 });
  t.after(there.close);
  await assert.rejects(there.call('GET', '/version'), { code: 'ECONNREFUSED' });
  await cluster.nodeUp('pve2');
  assert.equal((await there.call('GET', '/version')).status, 200);
});

it('cuts connections before or after it has done what was asked', async (t) => {
  const { client, cluster } = await begin(t);
  const make = (vmid: string) => client.call('POST', '/nodes/pve1/qemu', { vmid });
  cluster.faults.request({ method: 'POST', cut: 'before' });
  await assert.rejects(make('100'), { code: 'ECONNRESET' });
  assert.equal(cluster.state.vms.has(100), false);
  cluster.faults.request({ method: 'POST', cut: 'after' });
  await assert.rejects(make('101'), { code: 'ECONNRESET' });
  assert.equal(cluster.state.vms.has(101), true);
});

it('answers what a test plants, as often as it says, after as many as it says', async (t) => {
  const { client, cluster } = await begin(t);
  const answer = { status: 502, reason: 'Bad Gateway', body: '<html>proxy</html>' };
  const planted = cluster.faults.request({ path: '/version', answer, times: 2, skip: 1 });
  const seen = [];
  for (let times = 0; times < 4; times += 1) seen.push(await client.call('GET', '/version'));
  assert.deepEqual(
    seen.map(({ status }) => status),
    [200, 502, 502, 200],
  );
  assert.deepEqual([seen[1]?.text, seen[1]?.reason, planted.hits], [answer.body, answer.reason, 2]);
});

it('hangs and dawdles on demand', async (t) => {
  const { client, cluster } = await begin(t);
  const began = performance.now();
  cluster.faults.request({ latencyMs: 60 });
  await client.call('GET', '/version');
  assert.ok(performance.now() - began >= 55);
  cluster.faults.request({ method: 'POST', hang: 'after' });
  const hung = client.call('POST', '/nodes/pve1/qemu', { vmid: '100' });
  while (!cluster.state.vms.has(100)) await new Promise((r) => setTimeout(r, 5));
  const first = await Promise.race([hung, new Promise((r) => setTimeout(r, 50, 'nothing'))]);
  assert.equal(first, 'nothing');
  client.close();
  await assert.rejects(hung);
});

it('makes tasks slow, failing or warning, and loses workers', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100 });
  const start = () => client.task('POST', '/nodes/pve1/qemu/100/status/start');
  cluster.faults.task({ type: 'qmstart', vmid: 100, fail: 'start failed: no "luck"' });
  assert.equal(await start(), 'start failed: no "luck"');
  cluster.faults.loseWorker('qmstart');
  const lost = await client.call('POST', '/nodes/pve1/qemu/100/status/start');
  assert.equal(lost.reason, 'got no worker upid - start worker failed');
  cluster.faults.task({ type: 'qmstart', warnings: true });
  assert.equal(await start(), 'WARNINGS: 1');
});

it('opens a console for ten seconds, with a short password when asked for one', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100 });
  const order = { websocket: '1', 'generate-password': '1' };
  const { data } = await client.call('POST', '/nodes/pve1/qemu/100/vncproxy', order);
  const { password, upid } = data as Record<string, string>;
  assert.match(password ?? '', /^[!-~]{8}$/);
  const task = cluster.state.tasks.find(upid ?? '');
  await task?.ended;
  assert.equal(task?.exit, 'connection timed out');
});
