import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { begin, text } from './pve-sdn.ts';

/* Conversations recorded from a genuine 8.4 (two nodes) and a genuine 9.2. */

describe('the fake of SDN', () => {
  it('refuses zones as recorded', async (t) => {
    const { said } = await begin(t);
    const zone = (params: Record<string, string>): Promise<string> =>
      said('POST', '/cluster/sdn/zones', params);
    const refusals: readonly (readonly [Record<string, string>, string])[] = [
      [
        { type: 'simple', zone: 'zs' },
        "500 create sdn zone object failed: sdn zone object ID 'zs' already defined",
      ],
      [{ type: 'vlan', zone: 'zw' }, "500 missing value for required option 'bridge'"],
      [{ type: 'vxlan', zone: 'zy' }, "500 missing value for required option 'peers'"],
      [
        { type: 'simple', zone: 'zonelong9' },
        "400 Parameter verification failed. | zone: invalid format - zone ID 'zonelong9' can't be more length than 8 characters\n",
      ],
      [
        { type: 'nosuch', zone: 'zn' },
        "400 Parameter verification failed. | type: value 'nosuch' does not have a value in the enumeration 'evpn, faucet, qinq, simple, vlan, vxlan'",
      ],
    ];
    for (const [params, expected] of refusals) assert.equal(await zone(params), expected.trim());
    assert.equal(await zone({ type: 'simple', zone: 'ZCap' }), '200');
    assert.equal(await said('GET', '/cluster/sdn/zones/nosuch'), "500 sdn 'nosuch' does not exist");
    assert.equal(
      await said('DELETE', '/cluster/sdn/zones/nosuch'),
      "500 delete sdn zone object failed: sdn 'nosuch' does not exist",
    );
  });

  it('takes and refuses vnets as recorded', async (t) => {
    const { said } = await begin(t);
    const twice = 'create sdn vnet object failed: 400 Parameter verification failed.';
    const calls: readonly (readonly [string, string])[] = [
      ['vnet=v1&zone=zs', '200'],
      [
        'vnet=v1&zone=zs',
        "500 create sdn vnet object failed: sdn vnet object ID 'v1' already defined",
      ],
      ['vnet=abcdefgh&zone=zs', '200'],
      [
        'vnet=abcdefghi&zone=zs',
        "400 Parameter verification failed. | vnet: invalid format - vnet ID 'abcdefghi' can't be more length than 8 characters",
      ],
      [
        'vnet=or-1&zone=zs',
        "400 Parameter verification failed. | vnet: invalid format - vnet ID 'or-1' contains illegal characters",
      ],
      ['vnet=OrNet1&zone=zs', '200'],
      ['vnet=ornet1&zone=zs', '200'],
      ['vnet=vmbr0&zone=zs', '200'],
      [
        'vnet=vn2',
        '400 Parameter verification failed. | zone: property is missing and it is not optional',
      ],
      ['vnet=vn1&zone=zs&tag=5', `500 ${twice}\ntag: vlan tag is not allowed on simple zone`],
      ['vnet=vv1&zone=zv', `500 ${twice}\ntag: missing vlan tag`],
      ['vnet=vv1&zone=zv&tag=101', '200'],
      ['vnet=vv2&zone=zv&tag=101', `500 ${twice}\ntag: tag 101 already exist in vnet vv1`],
      ['vnet=vx1&zone=zx', `500 ${twice}\ntag: missing vxlan tag`],
      ['vnet=vx1&zone=zx&tag=5001', '200'],
      [
        'vnet=vx2&zone=zx&tag=5001',
        `500 ${twice}\ntag: vxlan tag 5001 already exist in vnet vx1 in zone zx`,
      ],
      [
        'vnet=vn9&zone=zv&tag=x',
        "400 Parameter verification failed. | tag: type check ('integer') failed - got 'x'",
      ],
    ];
    for (const [form, expected] of calls) {
      const params = Object.fromEntries(new URLSearchParams(form));
      assert.equal(await said('POST', '/cluster/sdn/vnets', params), expected, form);
    }
  });

  it('keeps, cuts, drops and refuses an alias as recorded', async (t) => {
    const { client, said } = await begin(t);
    const kept = async (alias: string): Promise<unknown> => {
      await client.call('DELETE', '/cluster/sdn/vnets/va');
      const made = await client.call('POST', '/cluster/sdn/vnets', {
        ...{ vnet: 'va', zone: 'zs', alias },
      });
      if (made.status !== 200) return text(made);
      return ((await client.call('GET', '/cluster/sdn/vnets/va')).data as { alias?: string }).alias;
    };
    const same = ['plain', 'or1:i-2-10-VM_net-1 with spaces', 'x'.repeat(256), '(a)/b+c=d@e,f;g.h'];
    for (const alias of [...same, 'tab\tx', '-']) assert.equal(await kept(alias), alias);
    const refused =
      '400 Parameter verification failed. | alias: value does not match the regex pattern';
    const bad = [
      'x'.repeat(257),
      'quote"s',
      "apos'",
      'hash#',
      '{curly}',
      'a&b%c',
      '~x',
      'x$',
      '😀',
    ];
    for (const alias of bad) assert.equal(await kept(alias), refused, alias);
    assert.equal(await kept('ümlaut'), undefined);
    assert.equal(await kept(' lead'), 'lead');
    assert.equal(await kept('trail '), 'trail');
    assert.equal(await kept(''), undefined);
    assert.equal(
      await said('POST', '/cluster/sdn/vnets', { vnet: 'vb', zone: 'zs', alias: 'line1\nline2' }),
      '500 create sdn vnet object failed: property contains a line feed',
    );
  });

  it('shows what is new, changed, deleted and in force as recorded', async (t) => {
    const { client, said, rows } = await begin(t, { vnets: { OrNet1: 'zs', v1: 'zs' } });
    await client.call('PUT', '/cluster/sdn/vnets/v1', { alias: 'or1:net-1b' });
    await client.call('POST', '/cluster/sdn/vnets', { vnet: 'vnew', zone: 'zx', tag: '7' });
    await client.call('DELETE', '/cluster/sdn/vnets/OrNet1');
    assert.deepEqual(await rows('/cluster/sdn/vnets?pending=1'), [
      { vnet: 'OrNet1', zone: 'zs', type: 'vnet', digest: null, state: 'deleted', pending: {} },
      {
        ...{ vnet: 'v1', zone: 'zs', type: 'vnet', digest: null, state: 'changed' },
        pending: { alias: 'or1:net-1b' },
      },
      {
        ...{ vnet: 'vnew', type: 'vnet', digest: null, state: 'new' },
        pending: { zone: 'zx', tag: 7 },
      },
    ]);
    for (const view of ['', '?pending=1', '?running=1']) {
      assert.equal(
        await said('GET', `/cluster/sdn/vnets/OrNet1${view}`),
        "500 sdn vnet 'OrNet1' does not exist",
      );
    }
    assert.equal(
      await said('GET', '/cluster/sdn/vnets/vnew?running=1'),
      "500 sdn vnet 'vnew' does not exist",
    );
    assert.equal(await client.task('PUT', '/cluster/sdn'), 'OK');
    assert.deepEqual(await rows('/cluster/sdn/vnets?pending=1'), [
      { vnet: 'v1', zone: 'zs', type: 'vnet', alias: 'or1:net-1b', digest: null },
      { vnet: 'vnew', zone: 'zx', type: 'vnet', tag: 7, digest: null },
    ]);
  });

  it('takes a change with the digest of the list alone', async (t) => {
    const { said, rows } = await begin(t, { vnets: { v1: 'zs' } });
    const [{ digest = '' } = {}] = await rows('/cluster/sdn/vnets');
    const change = (alias: string): Promise<string> =>
      said('PUT', '/cluster/sdn/vnets/v1', { alias, digest: String(digest) });
    assert.equal(await change('one'), '200');
    assert.equal(
      await change('two'),
      '500 update sdn vnet object failed: detected modified configuration - file changed by other user? Try again.',
    );
    assert.equal(
      await said('PUT', '/cluster/sdn/vnets/nosuch', { alias: 'x' }),
      "500 sdn vnet 'nosuch' does not exist",
    );
  });
});
