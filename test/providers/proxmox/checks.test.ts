import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../fakes/pve/index.ts';
import { collectIssues } from '../../../src/cloudstack/issues.ts';
import { resolveSettings } from '../../../src/cloudstack/settings.ts';
import type { Check } from '../../../src/contract/provider.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { silent } from '../../../src/kit/log.ts';
import type { Blueprint } from '../../../src/providers/proxmox/blueprint.ts';
import { checkCertificate } from '../../../src/providers/proxmox/doctor/connection.ts';
import { proxmox } from '../../../src/providers/proxmox/index.ts';
import type { Details } from '../../support/payloads.ts';
import { detailsFor, pageOptions, startCluster } from './backend.ts';

async function check(
  cluster: Cluster,
  more: Details = {},
  blueprint: Partial<Blueprint> = {},
): Promise<Map<string, Check>> {
  const details = detailsFor(cluster, 'pve1', more);
  const issues = collectIssues();
  const { values } = resolveSettings(proxmox, [{ name: 'host', details }], '', issues);
  issues.throwIfAny('check');
  const endMs = performance.now() + 20_000;
  const deadline = createDeadline(() => performance.now(), { endMs, undoEndMs: endMs });
  const context = { deadline, log: silent, installation: '', stateDirectory: () => '/nonexistent' };
  const found = (await proxmox.checks?.(values, context, blueprint)) ?? [];
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
    const commands: Readonly<Record<string, RegExp>> = {
      rights: /role modify CloudStack --append 1 --privs '.*VM\.GuestAgent\.Audit/,
      'rights of actions': /role modify CloudStack --append 1 --privs '.*VM\.Migrate/,
      'SDN.Use': /acl modify \/sdn\/zones\/NAME --users 'cloudstack@pve' --tokens .*PVESDNUser$/,
      'Sys.Audit': /role modify CloudStackNode .*'Sys\.Audit'; pveum acl modify \/nodes /,
    };
    for (const [name, command] of Object.entries(commands))
      assert.match(found.get(name)?.advice ?? '', command);
    assert.deepEqual(
      ['rights', 'rights of actions', 'SDN.Use', 'Sys.Audit', 'quorum'].map((name) =>
        state(found, name),
      ),
      ['fail', 'warn', 'fail', 'warn', 'skipped'],
    );
  });

  it('misses Pool.Audit on the pool, and its command makes a role that has it', async (t) => {
    const cluster = await startCluster(pageOptions());
    t.after(cluster.close);
    const roles = cluster.state.roles;
    roles.set('CloudStack', new Set([...(roles.get('CloudStack') ?? [])].slice(0, 3)));
    const before = (await check(cluster, { pool: 'cs' })).get('rights');
    assert.equal(before?.state, 'fail');
    assert.match(before?.found ?? '', /^missing on \/pool\/cs: .*Pool\.Audit$/);
    const [, names = ''] =
      /--privs '([^']*)'; pveum acl modify \/pool\/cs /.exec(before?.advice ?? '') ?? [];
    roles.set('CloudStack', new Set(names.split(' ')));
    const after = await check(cluster, { pool: 'cs' });
    assert.equal(state(after, 'rights'), 'ok');
    assert.equal(state(after, 'rights of actions'), 'ok');
  });

  it('does not call tags free while the token may not see the policy of the cluster', async (t) => {
    const cluster = await startCluster(pageOptions());
    t.after(cluster.close);
    cluster.state.options.set('user-tag-access', 'user-allow=none');
    const tags = async (): Promise<Check | undefined> =>
      (await check(cluster, { pool: 'cs' })).get('tags');
    const hidden = await tags();
    assert.equal(hidden?.state, 'skipped');
    assert.match(hidden?.found ?? '', /Sys\.Audit on \/ is missing/);
    assert.match(hidden?.advice ?? '', /role add CloudStackNode.*acl modify \/ --users/);
    cluster.state.acl.push({
      ...{ path: '/', role: 'CloudStackNode', who: 'cloudstack@pve', propagate: true },
    });
    assert.equal((await tags())?.state, 'warn');
  });

  it('takes a right on /vms that is not handed down to machines for a missing one', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const [own] = cluster.state.acl;
    assert.ok(own);
    cluster.state.acl.push({ ...own, path: '/vms', propagate: false });
    const found = await check(cluster);
    assert.match(found.get('rights')?.found ?? '', /^missing on \/vms: VM\.Allocate, VM\.Audit/);
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

  it('tells nodes that are down from those that no host speaks for', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const nodes = async (more: Details): Promise<Check | undefined> =>
      (await check(cluster, more)).get('nodes');
    const alone = await nodes({});
    assert.equal(alone?.state, 'ok');
    assert.match(
      alone?.advice ?? '',
      /^Machines that move to pve2 are reported by the host of the/,
    );
    assert.equal((await nodes({ other_nodes: 'pve2' }))?.advice, undefined);
    await cluster.nodeDown('pve2');
    const other = await nodes({ other_nodes: 'pve2' });
    assert.deepEqual([other?.state, other?.found], ['warn', 'not online: pve2']);
    const own = await nodes({ nodes: 'pve1,pve2' });
    assert.deepEqual([own?.state, own?.found], ['fail', 'not online: pve2']);
  });

  it('sees the vnets that are missing, and storages that are away or hidden', async (t) => {
    const cluster = await startCluster({ vnets: { tenant1: 'localnetwork' } });
    t.after(cluster.close);
    const vnets = async (name: string): Promise<Check | undefined> =>
      (await check(cluster, { vnet_map: `206=${name}` })).get('vnets');
    assert.equal((await vnets('tenant1'))?.state, 'ok');
    assert.deepEqual(await vnets('tenant2'), {
      ...{ name: 'vnets', state: 'fail', found: 'not in the cluster: tenant2' },
      advice: 'It has tenant1',
    });
    const local = cluster.state.storages.get('local-lvm');
    assert.ok(local);
    local.mounted = false;
    assert.equal(state(await check(cluster), 'storage local-lvm'), 'fail');
    for (const storage of cluster.state.storages.values()) storage.content = ['iso'];
    const none = (await check(cluster)).get('storages');
    assert.equal(none?.state, 'warn');
    assert.match(none?.found ?? '', /the token sees no storage for disks on pve1/);
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

  it('warns of a version that Outrigger was not tried with', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const body = JSON.stringify({ data: { version: '7.4-3', release: '7.4' } });
    cluster.faults.request({ path: '/version', answer: { status: 200, body } });
    const version = (await check(cluster)).get('version');
    assert.equal(version?.state, 'warn');
    assert.match(version?.found ?? '', /^7\.4-3 at https:/);
  });

  it('tells storages that can be linked to from those that can only be copied to', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const found = async (): Promise<string | undefined> =>
      (await check(cluster)).get('storage local-lvm')?.found;
    assert.match((await found()) ?? '', /^lvmthin for .*; linked clones, /);
    Object.assign(cluster.state.storages.get('local-lvm') ?? {}, { type: 'lvm' });
    assert.match((await found()) ?? '', /^lvm for .*; whole copies only, /);
  });

  it('warns of a certificate that ends soon', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const { raw, validTo } = new X509Certificate(
      cluster.state.nodes.get('pve1')?.certificate ?? '',
    );
    const daysBefore = async (days: number): Promise<Check> =>
      checkCertificate(raw, 'certificate', Date.parse(validTo) - days * 86_400_000);
    assert.equal((await daysBefore(31)).state, 'ok');
    const soon = await daysBefore(30);
    assert.equal(soon.state, 'warn');
    assert.match(soon.found, /^valid for 30 more days, SHA-256 /);
    assert.match(soon.advice ?? '', /add the new fingerprint to tls_fingerprint/);
  });

  it('says with the page’s rights what it cannot see, which right shows it, and guesses a lost quorum', async (t) => {
    const cluster = await startCluster({ ...pageOptions(), nodes: ['pve1', 'pve2', 'pve3'] });
    t.after(cluster.close);
    const look = () => check(cluster, { pool: 'cs', other_nodes: 'pve2,pve3' });
    const found = await look();
    for (const name of ['token', 'user', 'quorum', 'tags']) {
      assert.equal(state(found, name), 'skipped', name);
      assert.match(found.get(name)?.found ?? '', /Sys\.Audit on \/\S* is missing/);
      assert.match(found.get(name)?.advice ?? '', /role add CloudStackNode.*acl modify \/ --users/);
    }
    assert.match(found.get('quorum')?.found ?? '', /^3 of 3 nodes are online/);
    for (const name of ['pve2', 'pve3']) await cluster.nodeDown(name);
    cluster.state.quorate = false;
    const alone = await look();
    assert.deepEqual(
      [state(alone, 'quorum'), alone.get('quorum')?.found],
      ['warn', 'most likely there is none: 1 of 3 nodes are online'],
    );
    assert.equal(alone.get('nodes')?.found, 'not online: pve2, pve3');
    cluster.state.acl.push({
      ...{ path: '/', role: 'CloudStackNode', who: 'cloudstack@pve', propagate: true },
    });
    const seen = await look();
    assert.deepEqual(
      ['token', 'user', 'quorum', 'tags', 'rights'].map((name) => state(seen, name)),
      ['ok', 'ok', 'fail', 'ok', 'ok'],
    );
  });

  it('does not call a vnet missing that the token may not see', async (t) => {
    const vnets = { tenant1: 'zone1' };
    const cluster = await startCluster({ ...pageOptions(), vnets });
    t.after(cluster.close);
    const look = async (name: string): Promise<Check | undefined> =>
      (await check(cluster, { pool: 'cs', vnet_map: `206=${name}` })).get('vnets');
    const hidden = await look('tenant1');
    assert.equal(hidden?.state, 'fail');
    assert.match(hidden?.found ?? '', /or not to be seen by the token without SDN\.Use: tenant1/);
    assert.match(hidden?.advice ?? '', /acl modify \/sdn\/zones\/NAME .*PVESDNUser/);
    cluster.state.acl.push({
      ...{ path: '/sdn/zones/zone1', role: 'PVESDNUser', who: 'cloudstack@pve', propagate: true },
    });
    assert.equal((await look('tenant1'))?.state, 'ok');
  });

  it('warns of a token that ends soon', async (t) => {
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

  it('warns of a node whose hosts could link to no template', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    assert.equal(state(await check(cluster, { other_nodes: 'pve2' }), 'templates'), 'ok');
    const shared = cluster.state.storages.get('shared');
    assert.ok(shared);
    shared.shared = false;
    const found = (await check(cluster, { other_nodes: 'pve2' })).get('templates');
    assert.equal(found?.state, 'warn');
    assert.match(found?.found ?? '', /^pve1: 9000 debian-12; pve2: none$/);
    assert.match(found?.advice ?? '', /^Nothing can be linked to on pve2, /);
    assert.equal(state(await check(cluster), 'templates'), 'ok', 'nothing is made on pve2');
  });

  it('tells on which nodes the template of the operator cannot be linked to', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const local = { template: true, storage: 'local-lvm', name: 'local' } as const;
    cluster.plantVm({ ...local, vmid: 9001, node: 'pve1' });
    cluster.plantVm({ ...local, vmid: 9002, node: 'pve2' });
    const from = async (more: Details, blueprint: Partial<Blueprint>) =>
      (await check(cluster, more, blueprint)).get('template');
    const both = { other_nodes: 'pve2' };
    const linked = await from(both, { template_id: '9001' });
    assert.equal(linked?.state, 'warn');
    assert.match(linked?.found ?? '', /^9001 on pve1 cannot be linked to on pve2: /);
    assert.match(linked?.advice ?? '', /template_id=pve1=9001,pve2=ID/);
    const elsewhere = await from({ node: 'pve2' }, { template_id: '9001' });
    assert.equal(elsewhere?.state, 'fail');
    for (const [more, blueprint] of [
      [both, { template_id: '9000' }],
      [both, { template_id: 'local' }],
      [both, { template_id: '9001', is_full_clone: true }],
      [both, { template_id: 'pve1=9001,pve2=9002' }],
      [both, { template_id: 'pve1=9001' }],
      [{ nodes: 'pve1,pve2' }, { template_id: '9001' }],
    ] as const) {
      assert.equal((await from(more, blueprint))?.state, 'ok', JSON.stringify(blueprint));
    }
    const missing = await from(both, { template_id: '9009' });
    assert.equal(missing?.state, 'fail');
    assert.match(missing?.found ?? '', /there is no template 9009/);
    assert.equal(await from(both, { template_id: '9001', template_type: 'iso' }), undefined);
  });

  it('asks a dozen questions, and one more about the template', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    await check(cluster, { other_nodes: 'pve2' });
    const asked = cluster.requests.length;
    assert.ok(asked <= 12, `${asked} requests`);
    await check(cluster, { other_nodes: 'pve2' }, { template_id: '9000' });
    assert.equal(cluster.requests.length, 2 * asked + 1);
  });

  it('says which address of a console is not reached, and that no port was tried', async (t) => {
    const cluster = await startCluster();
    t.after(cluster.close);
    const own = (await check(cluster)).get('console');
    assert.equal(own?.state, 'ok');
    assert.match(own?.found ?? '', /^127\.0\.0\.1, ports 5900 to 5999$/);
    assert.match(own?.advice ?? '', /the ports were not tried/);
    const here = await check(cluster, { console_address: 'pve1=127.0.0.2, pve2=127.0.0.3' });
    assert.equal(state(here, 'console'), 'ok');
    const away = await check(cluster, { console_address: 'pve1=127.0.0.2,pve2=nosuch.invalid' });
    assert.equal(state(away, 'console'), 'warn');
    assert.match(away.get('console')?.found ?? '', /; from here nosuch\.invalid is not reached \(/);
    const page = { console_url: 'https://console.example.org/{uuid}', console_address: 'nosuch' };
    assert.deepEqual((await check(cluster, page)).get('console'), {
      ...{ name: 'console', state: 'ok', found: 'https://console.example.org/{uuid}' },
    });
  });
});
