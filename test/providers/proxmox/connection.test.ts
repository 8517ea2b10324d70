import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authority, fingerprintOf, readKey } from '../../../fakes/http/keys.ts';
import { admin } from '../../support/payloads.ts';
import { user } from './backend.ts';
import { inCluster, sessionOf } from './scene.ts';

const newSecret = '7b1e44d0-3c55-4f0e-9d7e-1a2b3c4d5e6f';

/** The three seconds that Proxmox VE takes for every refused token are a few hundredths here. */
const fast = { scale: 0.02 };

describe('proxmox reaches its cluster', { concurrency: 4 }, () => {
  it(
    'the next endpoint is asked when one is down, and the console is at the one that answered',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({
        url: cluster.endpoints.join(','),
        console_address: 'pve1=10.0.0.1,pve2=10.0.0.2',
      });
      await cloud.deploy();
      cluster.vm(10042).node = 'pve2';
      await cluster.nodeDown('pve1');
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      const { document } = await cloud.ok('getconsole');
      assert.equal((document['console'] as { host: string }).host, '10.0.0.2');
    }),
  );

  it(
    'requests succeed with the old or the new token while one replaces the other',
    inCluster(async ({ cloud, cluster, configure }) => {
      cluster.state.tokens.set(`${user}!cs2`, {
        id: `${user}!cs2`,
        secret: newSecret,
        expire: 0,
        privsep: false,
      });
      configure({ token_next: 'cs2', secret_next: newSecret });
      await cloud.deploy();
      cluster.state.tokens.delete(`${user}!cs`);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      const before = cluster.requests.length;
      await cloud.ok('stop', { state: 'Running' });
      const refused = cluster.requests.slice(before).filter(({ status }) => status === 401);
      assert.equal(refused.length, 1, 'the old token is not tried again');
      assert.ok(!cloud.allOutput().includes(newSecret));
    }, fast),
  );

  it(
    'each request under way is repeated with the new token when the old one is removed',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ secret_next: newSecret });
      const names = [70, 71, 72].map((id) => {
        const name = `i-2-${id}-VM`;
        cluster.plantVm({ vmid: 10_000 + id, name, storage: 'shared' });
        return name;
      });
      let asked = 0;
      const planted = cluster.faults.request({
        ...{ path: /config$/, times: names.length },
        before: async () => {
          asked += 1;
          while (asked < names.length) await new Promise(setImmediate);
          Object.assign(cluster.state.tokens.get(`${user}!cs`) ?? {}, { secret: newSecret });
        },
      });
      const { document } = await cloud.ok('statuses');
      assert.equal(planted.hits, names.length);
      assert.deepEqual(Object.keys(document['power_state'] as object).sort(), names);
    }, fast),
  );

  it(
    'requests succeed with a new secret for the same token, before and after Proxmox VE has it',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ secret_next: newSecret });
      await cloud.deploy();
      const token = cluster.state.tokens.get(`${user}!cs`);
      assert.ok(token);
      token.secret = newSecret;
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
    }, fast),
  );

  it(
    'the error says which token was refused, and how to tell all causes apart',
    inCluster(async ({ cloud, cluster }) => {
      const token = cluster.state.tokens.get(`${user}!cs`);
      const owner = cluster.state.users.get(user);
      assert.ok(token && owner);
      const { text } = await cloud.call('status');
      assert.doesNotMatch(text, /refused/);
      token.expire = 1;
      const refused = (await cloud.call('prepare')).text;
      assert.match(refused, /refused the API token cloudstack@pve!cs: Authentication failed!/);
      assert.match(refused, /`pveum user list` shows whether 'cloudstack@pve' is there, enabled/);
      assert.match(refused, /`pveum user token list 'cloudstack@pve'` shows .* a token 'cs' and/);
      assert.match(refused, /the secret is a wrong one/);
      Object.assign(token, { expire: 0, secret: newSecret });
      assert.match((await cloud.call('create')).text, /Authentication failed!.*`pveum user list`/);
    }, fast),
  );

  it(
    'the error says why the token was refused where the server still tells',
    inCluster(
      async ({ cloud, cluster }) => {
        const token = cluster.state.tokens.get(`${user}!cs`);
        assert.ok(token);
        token.expire = 1;
        const { text } = await cloud.call('status');
        assert.match(text, /refused the API token cloudstack@pve!cs: it has expired/);
        assert.match(text, /pveum user token modify 'cloudstack@pve' 'cs' --expire 0/);
        const owner = cluster.state.users.get(user);
        assert.ok(owner);
        owner.expire = 1;
        assert.match((await cloud.call('prepare')).text, /its user has expired.*--expire 0/);
        owner.enabled = false;
        assert.match((await cloud.call('prepare')).text, /its user is disabled.*--enable 1/);
        cluster.state.tokens.delete(`${user}!cs`);
        const gone = await cloud.call('prepare');
        assert.match(gone.text, /there is no such token.*pveum user token list 'cloudstack@pve'/);
      },
      { ...fast, tellsRefusals: true },
    ),
  );

  it(
    'the error names the missing right with the command that grants it',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const role = new Set(cluster.state.roles.get('CloudStack'));
      role.delete('VM.PowerMgmt');
      cluster.state.roles.set('CloudStack', role);
      const { text } = await cloud.call('stop', { caller: admin });
      assert.match(text, /VM\.PowerMgmt on \/vms\/10042: pveum acl modify \/vms\/10042/);
    }),
  );

  it(
    'the driver connects only to a server with a certificate that the settings trust',
    inCluster(async ({ cloud, cluster, configure }) => {
      await cloud.deploy();
      const before = cluster.requests.length;
      configure({ tls_fingerprint: fingerprintOf('other-name') });
      const { exitCode, text } = await cloud.call('status');
      assert.equal(exitCode, 1);
      assert.match(text, /shows another certificate than the pinned one/);
      assert.equal(cluster.requests.length, before);
      configure({ tls_fingerprint: '', verify_tls_certificate: 'true' });
      assert.match((await cloud.call('statuses')).text, /has an unknown issuer|is self-signed/);
      configure({ verify_tls_certificate: 'false' });
      await cloud.ok('statuses');
    }),
  );

  it(
    'the driver trusts a certificate of the cluster’s own authority, and no other',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const trust = { verify_tls_certificate: 'true', tls_fingerprint: '' };
      const session = await sessionOf(cluster, trust, { ca_file: authority() });
      assert.deepEqual([...(await session.powers()).keys()], [cloud.vm.name]);
      const other = await sessionOf(cluster, trust, { ca_file: readKey('self-signed').cert });
      await assert.rejects(other.powers(), /unknown issuer/);
    }),
  );

  it(
    'a token may be given by its whole id',
    inCluster(async ({ cloud, configure }) => {
      configure({ token: `${user}!cs` });
      await cloud.deploy();
      await cloud.ok('statuses');
    }),
  );

  it(
    'the endpoint may be a host without scheme or a whole URL',
    inCluster(async ({ cloud, cluster, configure }) => {
      await cloud.deploy();
      const [endpoint = ''] = cluster.endpoints;
      for (const url of [
        endpoint.replace('https://', ''),
        `${endpoint}/`,
        `${endpoint}/api2/json/`,
      ]) {
        configure({ url });
        await cloud.ok('statuses');
      }
    }),
  );
});
