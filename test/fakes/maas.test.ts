import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authorization, readApiKey } from '../../src/providers/maas/api/oauth.ts';
import { send, withFake } from './maas-http.ts';

describe('the fake MAAS is as strict as the real one about', () => {
  it(
    'slashes at the end, operations and unknown constraints',
    withFake(async (fake) => {
      assert.deepEqual(await send(fake, '/machines'), {
        status: 404,
        text: 'Unknown API endpoint: /machines.',
      });
      assert.equal((await send(fake, '/machines/?op=dance')).status, 400);
      const { status, text } = await send(fake, '/machines/?limit=5');
      assert.equal(status, 400);
      assert.match(text, /No such constraint/);
    }),
  );

  it(
    'bodies: JSON breaks an allocate and is ignored by a deploy',
    withFake(async (fake) => {
      const { systemId } = fake.add();
      const json = { body: '{"distro_series": "ubuntu/noble"}', type: 'application/json' };
      assert.equal((await send(fake, '/machines/?op=allocate', json)).status, 500);
      assert.equal((await send(fake, `/machines/${systemId}/?op=deploy`, json)).status, 200);
      assert.equal(fake.machine(systemId).series, 'jammy');
      assert.equal(fake.machine(systemId).agentName, '');
    }),
  );

  it(
    'multipart forms, which are forms too',
    withFake(async (fake) => {
      const { systemId } = fake.add();
      const body =
        '--b\r\nContent-Disposition: form-data; name="system_id"\r\n\r\n' +
        `${systemId}\r\n--b--\r\n`;
      const sent = { body, type: 'multipart/form-data; boundary=b' };
      assert.equal((await send(fake, '/machines/?op=allocate', sent)).status, 200);
    }),
  );

  it(
    'nonces, timestamps and keys',
    withFake(async (fake) => {
      const key = readApiKey(fake.user.key);
      const header = authorization(key, Date.now());
      assert.equal((await send(fake, '/machines/', { header })).status, 200);
      assert.match((await send(fake, '/machines/', { header })).text, /Nonce already used/);
      const old = authorization(key, Date.now() - 310_000);
      assert.match((await send(fake, '/machines/', { header: old })).text, /Expired timestamp/);
      const early = authorization(key, Date.now() + 3_600_000);
      assert.equal((await send(fake, '/machines/', { header: early })).status, 200);
      const wrong = authorization({ ...key, secret: 'x' }, Date.now());
      assert.match((await send(fake, '/machines/', { header: wrong })).text, /Invalid signature/);
      assert.equal((await send(fake, '/machines/', { header: '' })).status, 401);
    }),
  );

  it(
    'other users: not in lists, and forbidden by their ids',
    withFake(async (fake) => {
      const { systemId } = fake.add({ owner: 'juju', status: 'deployed' });
      assert.equal((await send(fake, '/machines/')).text, '[]');
      assert.deepEqual(await send(fake, `/machines/${systemId}/`), { status: 403, text: '' });
      assert.equal((await send(fake, `/machines/${systemId}/`, { user: 1 })).status, 200);
      assert.equal((await send(fake, '/machines/none/')).status, 404);
    }),
  );

  it(
    'states: what may be deployed, released and switched on, and what a switch does instead',
    withFake(async (fake) => {
      const { systemId } = fake.add();
      const path = (op: string): string => `/machines/${systemId}/?op=${op}`;
      assert.equal((await send(fake, path('power_on'), { body: '' })).status, 409);
      assert.equal((await send(fake, path('release'), { body: '' })).status, 200);
      await send(fake, '/machines/?op=allocate', { body: `system_id=${systemId}` });
      assert.equal(
        (await send(fake, '/machines/?op=allocate', { body: `system_id=${systemId}` })).status,
        409,
      );
      fake.world.life.timings.busyMs = 60_000;
      await send(fake, path('power_on'), { body: '' });
      assert.equal(fake.machine(systemId).status, 'deploying');
      assert.equal((await send(fake, path('power_off'), { body: '' })).status, 503);
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(fake.machine(systemId).status, 'deployed');
      assert.equal((await send(fake, path('deploy'), { body: '' })).status, 409);
    }),
  );

  it(
    'annotations, which a release takes away last and the agent name first',
    withFake(async (fake) => {
      const { systemId } = fake.add({ powered: true });
      await send(fake, '/machines/?op=allocate', { body: `system_id=${systemId}&agent_name=me` });
      const annotate = `/machines/${systemId}/?op=set_workload_annotations`;
      await send(fake, annotate, { body: 'a=1&b=2' });
      await send(fake, annotate, { body: 'b=' });
      assert.deepEqual(fake.machine(systemId).annotations, { a: '1' });
      assert.equal((await send(fake, annotate, { body: 'a%20b=1' })).status, 400);
      // Long enough to be seen on a busy machine.
      fake.world.life.timings.releaseMs = 500;
      await send(fake, `/machines/${systemId}/?op=release`, { body: '' });
      const machine = fake.machine(systemId);
      assert.deepEqual([machine.status, machine.agentName], ['releasing', '']);
      assert.deepEqual(machine.annotations, { a: '1' });
      while (machine.status === 'releasing')
        await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual([machine.status, machine.annotations], ['ready', {}]);
    }),
  );
});
