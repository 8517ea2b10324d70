import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { begin, text } from './pve-sdn.ts';

/* Conversations recorded from a genuine 8.4 (two nodes) and a genuine 9.2. */

describe('the rights of SDN', () => {
  it('are asked for as recorded', async (t) => {
    const stage = await begin(t, { vnets: { v1: 'zs', w1: 'zx' } });
    const paths: readonly (readonly [string, string, Record<string, string>?])[] = [
      ['GET', '/cluster/sdn/vnets/v1'],
      ['GET', '/cluster/sdn/zones/zs'],
      ['GET', '/cluster/sdn'],
      ['GET', '/nodes/pve1/sdn/zones/zs/content'],
      ['POST', '/cluster/sdn/vnets', { vnet: 'v9', zone: 'zs' }],
      ['PUT', '/cluster/sdn/vnets/v1', { alias: 'a' }],
      ['POST', '/cluster/sdn/zones', { zone: 'z9', type: 'simple' }],
      ['PUT', '/cluster/sdn'],
    ];
    const ask = async (acl: Readonly<Record<string, string>>): Promise<string> => {
      const client = stage.as(acl);
      const answers: string[] = [];
      for (const [method, path, params] of paths) {
        answers.push(String((await client.call(method, path, params)).status));
      }
      const lists = await Promise.all([
        stage.rows('/cluster/sdn/vnets', client),
        stage.rows('/cluster/sdn/zones', client),
      ]);
      await stage.client.call('DELETE', '/cluster/sdn/vnets/v9');
      return `${answers.join(' ')} lists ${lists.map(({ length }) => length).join(' ')}`;
    };
    assert.equal(await ask({}), '403 403 403 403 403 403 403 403 lists 0 0');
    const zone = '/sdn/zones/zs';
    assert.equal(await ask({ [zone]: 'Audit' }), '200 403 403 200 403 403 403 403 lists 1 1');
    assert.equal(await ask({ [zone]: 'Use' }), '403 403 403 403 403 403 403 403 lists 0 0');
    assert.equal(await ask({ [zone]: 'Allocate' }), '200 200 403 403 200 200 403 403 lists 2 1');
    assert.equal(await ask({ '/sdn': 'Allocate' }), '403 403 403 403 403 403 403 200 lists 0 0');
  });

  it('are named in the refusals as recorded', async (t) => {
    const { as } = await begin(t, { vnets: { v1: 'zs' } });
    const client = as({});
    const say = async (
      method: string,
      path: string,
      params?: Record<string, string>,
    ): Promise<string> => text(await client.call(method, path, params));
    const vnets = '/cluster/sdn/vnets';
    assert.equal(
      await say('GET', `${vnets}/v1`),
      '403 Permission check failed (/sdn/zones/zs/v1, SDN.Audit|SDN.Allocate)',
    );
    assert.equal(
      await say('POST', vnets, { vnet: 'v2' }),
      '403 Permission check failed (/sdn/zones/-, SDN.Allocate)',
    );
    assert.equal(
      await say('DELETE', `${vnets}/v1`),
      '403 Permission check failed (/sdn/zones/zs/v1, SDN.Allocate)',
    );
    assert.equal(await say('DELETE', `${vnets}/nosuch`), "500 sdn vnet 'nosuch' does not exist");
    assert.equal(
      await say('PUT', '/cluster/sdn'),
      '403 Permission check failed (/sdn, SDN.Allocate)',
    );
  });

  it('on the bridge that a NIC leaves count too', async (t) => {
    const { as, cluster } = await begin(t, { vnets: { v1: 'zs' } });
    cluster.state.roles.set('All', new Set(['VM.Config.Network', 'SDN.Use']));
    cluster.plantVm({ vmid: 100, config: { net0: 'virtio,bridge=vr' } });
    const client = as({ '/vms': 'All', '/sdn/zones/zs': 'All' });
    const config = '/nodes/pve1/qemu/100/config';
    const refused = '403 Permission check failed (/sdn/zones/localnetwork/vr, SDN.Use)';
    assert.equal(text(await client.call('PUT', config, { net0: 'virtio,bridge=v1' })), refused);
    assert.equal(text(await client.call('PUT', config, { delete: 'net0' })), refused);
  });
});

describe('the lock of 9.x', () => {
  const lock = '/cluster/sdn/lock';
  const invalid = 'invalid lock token provided! at /usr/share/perl5/PVE/Network/SDN.pm line 291.';

  it('is unknown to 8.4', async (t) => {
    const { said } = await begin(t);
    assert.equal(await said('POST', lock), `501 Method 'POST ${lock}' not implemented`);
    assert.equal(
      await said('PUT', '/cluster/sdn', { 'lock-token': 'x' }),
      '400 Parameter verification failed. | lock-token: property is not defined in schema and the schema does not allow additional properties',
    );
  });

  it('is refused over pending changes, and keeps everybody else out until it is released', async (t) => {
    const { client, said } = await begin(t, { version: '9.1' });
    const vnets = '/cluster/sdn/vnets';
    await client.call('POST', vnets, { vnet: 'v1', zone: 'zs' });
    assert.equal(
      await said('POST', lock),
      '500 could not acquire lock for SDN config: configuration has pending changes at /usr/share/perl5/PVE/API2/Network/SDN.pm line 150.',
    );
    const { data } = await client.call('POST', lock, { 'allow-pending': '1' });
    const token = { 'lock-token': String(data) };
    assert.equal(
      await said('POST', lock, { 'allow-pending': '1' }),
      `500 could not acquire lock for SDN config: ${invalid}`,
    );
    const v2 = { vnet: 'v2', zone: 'zs' };
    assert.equal(await said('POST', vnets, v2), `500 create sdn vnet object failed: ${invalid}`);
    assert.equal(await said('POST', vnets, { ...v2, ...token }), '200');
    assert.equal(await said('PUT', '/cluster/sdn'), `500 could not commit SDN config: ${invalid}`);
    assert.equal(await said('PUT', '/cluster/sdn', token), '200');
    assert.equal(
      await said('DELETE', `${vnets}/v2`),
      `500 delete sdn vnet object failed: ${invalid}`,
      'an apply without release-lock=1 leaves the lock',
    );
    assert.equal(await said('PUT', '/cluster/sdn', { ...token, 'release-lock': '1' }), '200');
    assert.equal(await said('DELETE', `${vnets}/v2`), '200');
    assert.equal(await said('POST', vnets, { vnet: 'v3', zone: 'zs', ...token }), '200');
  });

  it('is broken by force, and a rollback takes the changes of everybody back', async (t) => {
    const { client, said, rows } = await begin(t, { version: '9.1' });
    await client.call('POST', '/cluster/sdn/vnets', { vnet: 'v1', zone: 'zs' });
    await client.call('POST', lock, { 'allow-pending': '1' });
    assert.equal(await said('DELETE', lock), `500 could not release lock: ${invalid}`);
    assert.equal(await said('DELETE', lock, { force: '1' }), '200');
    assert.equal(await said('POST', '/cluster/sdn/rollback'), '200');
    assert.deepEqual(await rows('/cluster/sdn/vnets'), []);
  });
});
