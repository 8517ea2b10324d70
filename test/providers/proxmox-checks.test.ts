import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collectIssues } from '../../src/cloudstack/issues.ts';
import { resolveSettings } from '../../src/cloudstack/settings.ts';
import { createDeadline } from '../../src/kit/deadline.ts';
import { silent } from '../../src/kit/log.ts';
import type { Check } from '../../src/provider.ts';
import { proxmox } from '../../src/providers/proxmox/index.ts';
import type { Cluster } from './fakes/proxmox/index.ts';
import type { Details } from './payloads.ts';
import { detailsFor, startCluster } from './proxmox-backend.ts';

async function check(cluster: Cluster, more: Details = {}): Promise<Map<string, Check>> {
  const details = detailsFor(cluster, 'pve1', more);
  const issues = collectIssues();
  const { values } = resolveSettings(proxmox, [{ name: 'host', details }], '', issues);
  issues.throwIfAny('check');
  const endMs = performance.now() + 20_000;
  const deadline = createDeadline(() => performance.now(), { endMs, undoEndMs: endMs });
  const context = { deadline, log: silent, installation: '', stateDirectory: () => '/nonexistent' };
  const found = (await proxmox.checks?.(values, context)) ?? [];
  return new Map(found.map((one) => [one.name, one]));
}

function state(found: Map<string, Check>, name: string): string | undefined {
  return found.get(name)?.state;
}

describe('doctor for proxmox', { concurrency: 4 }, () => {
  for (const version of ['8.4', '9.1'] as const) {
    it(`finds nothing wrong with a cluster of ${version} that is set up as the page says`, async (t) => {
      const cluster = await startCluster({ version });
      t.after(cluster.close);
      const found = await check(cluster, { other_nodes: 'pve2' });
      const wrong = [...found.values()].filter(({ state: is }) => is === 'fail' || is === 'warn');
      assert.deepEqual(wrong, []);
      assert.match(found.get('version')?.found ?? '', new RegExp(`^${version}`));
      assert.equal(
        cluster.requests.every(({ method }) => method === 'GET'),
        true,
      );
    });
  }

  it('names each right that is missing and the command that gives it', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const role = new Set(cluster.state.roles.get('CloudStack'));
    for (const name of ['VM.Clone', 'VM.Config.Disk', 'VM.Migrate', 'SDN.Use', 'Sys.Audit'])
      role.delete(name);
    cluster.state.roles.set('CloudStack', role);
    const found = await check(cluster);
    assert.match(found.get('rights')?.found ?? '', /VM\.Clone, VM\.Config\.Disk/);
    assert.match(
      found.get('rights')?.advice ?? '',
      /^pveum role add CloudStack --privs '.*VM\.GuestAgent\.Audit/,
    );
    assert.deepEqual(
      ['rights', 'rights of actions', 'SDN.Use', 'Sys.Audit', 'quorum'].map((name) =>
        state(found, name),
      ),
      ['fail', 'warn', 'fail', 'warn', 'skipped'],
    );
  });

  it('sees what is wrong with node, network, storage, tags, clock and quorum', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const { state: world } = cluster;
    world.options.set('user-tag-access', 'user-allow=none');
    world.quorate = false;
    const node = world.nodes.get('pve1');
    const local = world.storages.get('local-lvm');
    assert.ok(node && local);
    node.clockSkew = 120;
    local.otherBytes = local.totalBytes;
    const found = await check(cluster, { network_bridge: 'vmbr77', other_nodes: 'pve9' });
    assert.deepEqual(
      ['nodes', 'bridges', 'storage local-lvm', 'tags', 'clock', 'quorum'].map((name) =>
        state(found, name),
      ),
      ['fail', 'fail', 'warn', 'warn', 'warn', 'fail'],
    );
  });

  it('says what stands in the way when nothing can be asked', async (t) => {
    const cluster = await startCluster();
    await cluster.close();
    t.after(cluster.close);
    const found = await check(cluster);
    assert.equal(state(found, 'connection'), 'fail');
    assert.match(found.get('connection')?.found ?? '', /refused the connection/);
  });

  it('looks at every server in the url, and at the certificate of each', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const url = cluster.endpoints.join(',');
    const [first = '', second = ''] = cluster.endpoints.map((each) => new URL(each).host);
    const found = await check(cluster, { url });
    assert.equal(found.get(`certificate ${first}`)?.state, 'ok');
    assert.equal(found.get(`certificate ${second}`)?.state, 'ok');
    await cluster.nodeDown('pve1');
    const later = await check(cluster, { url });
    assert.match(later.get(`connection ${first}`)?.found ?? '', /refused the connection/);
    assert.equal(state(later, `certificate ${second}`), 'ok');
    assert.equal(state(later, 'version'), 'ok');
  });

  it('warns of a token and a certificate that end soon', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const token = cluster.state.tokens.get('cloudstack@pve!cs');
    assert.ok(token);
    token.expire = Math.floor(Date.now() / 1000) + 5 * 86_400;
    cluster.state.acl.push({
      path: '/access',
      role: 'PVEUserAdmin',
      who: 'cloudstack@pve',
      propagate: true,
    });
    const found = await check(cluster);
    assert.equal(state(found, 'token'), 'warn');
    assert.match(found.get('token')?.found ?? '', /expires in [45] days/);
    assert.equal(state(found, 'user'), 'ok');
  });
});
