import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { skipWithout } from '../../support/debian.ts';
import { admin } from '../../support/payloads.ts';
import { checksOf, inCluster, sessionOf, shown } from './scene.ts';
import { metaOf, readSeed, seedDrive, seedOptions, seedsOf } from './seed-scene.ts';

const skip = skipWithout('/usr/bin/isoinfo', 'genisoimage');
const userData = Buffer.from('#cloud-config\npackages: [nginx]\n');
const web1 = { hostname: 'web1', userData, keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJx me'] };
const seeds = { seed_storage: 'seeds' };

describe('proxmox hands a guest its data on an image of its own', { concurrency: 4, skip }, () => {
  it(
    "create uploads CloudStack's data under the instance's UUID and puts them into a drive",
    inCluster(async ({ cloud, cluster, configure }) => {
      configure(seeds);
      cloud.change({ guest: { ...web1, password: 'a"b' } });
      await cloud.ok('create');
      const [seed, ...others] = seedsOf(cluster);
      assert.equal(others.length, 0);
      assert.match(
        seed?.name ?? '',
        new RegExp(`^iso/outrigger-[a-z0-9]{8}-${cloud.vm.uuid}\\.iso$`),
      );
      assert.equal(cluster.vm(10042).config.get('ide2'), seedDrive(cluster));
      assert.deepEqual(readSeed(cluster, 'user-data'), userData);
      const meta = metaOf(cluster);
      assert.equal(meta['local-hostname'], 'web1');
      assert.deepEqual(meta['public-keys'], web1.keys);
      const network = JSON.parse(readSeed(cluster, 'network-config').toString());
      const macs = Object.values(network.ethernets).map(
        (nic) => (nic as { match: { macaddress: string } }).match.macaddress,
      );
      assert.deepEqual(
        macs,
        cloud.vm.nics.map(({ mac }) => mac),
      );
      assert.match(readSeed(cluster, 'vendor-data').toString(), /boundary/);
      assert.equal(cluster.vm(10042).power, 'running');
      assert.doesNotMatch(cloud.allOutput(), /a\\?"b/);
    }, seedOptions()),
  );

  it(
    'user data of any bytes arrive as they are',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure(seeds);
      const hostile = Buffer.concat([
        gzipSync('x'),
        Buffer.from([0, 255, 254, 13, 10]),
        Buffer.from('\r\n--outrigger-'),
        Buffer.alloc(700_000, 'ab'),
      ]);
      cloud.change({ guest: { ...web1, userData: hostile } });
      await cloud.ok('create');
      assert.ok(readSeed(cluster, 'user-data').equals(hostile));
    }, seedOptions()),
  );

  it(
    'a detail counts where CloudStack sends nothing, and needs a storage for seeds',
    inCluster(async ({ cloud, cluster, configure }) => {
      const details = { ...cloud.vm.details, 'External:user_data': userData.toString('base64') };
      cloud.change({ details });
      const refused = await cloud.call('create');
      assert.equal(refused.exitCode, 1);
      assert.match(refused.text, /\\?"user_data\\?" needs \\?"seed_storage/);
      configure(seeds);
      await cloud.ok('create');
      assert.deepEqual(readSeed(cluster, 'user-data'), userData);
      assert.equal(metaOf(cluster)['local-hostname'], cloud.vm.name);
    }, seedOptions()),
  );

  it(
    "CloudStack's user data without a storage for seeds are refused before anything is made",
    inCluster(async ({ cloud, changes }) => {
      cloud.change({ guest: web1 });
      const refused = await cloud.call('create');
      assert.equal(refused.exitCode, 1);
      assert.match(
        refused.text,
        /user data or a password, and no storage is set for them\. Set seed_storage/,
      );
      assert.deepEqual(changes(), []);
      // A hostname and keys alone have always been told by the drive of Proxmox VE, or not at all.
      cloud.change({ guest: { hostname: 'web1', keys: web1.keys } });
      await cloud.ok('create');
    }, seedOptions()),
  );

  it(
    'costs two requests more than without',
    inCluster(async ({ cloud, cluster, configure }) => {
      const asked = async (): Promise<readonly string[]> => {
        const from = cluster.requests.length;
        await cloud.ok('create');
        const lines = cluster.requests.slice(from).map(shown);
        return lines.filter((line) => !/(qmclone|qmstart|resize).*\/status$/.test(line));
      };
      const without = await asked();
      await cloud.ok('stop');
      await cloud.ok('delete');
      configure(seeds);
      cloud.change({ guest: web1 });
      const withSeed = await asked();
      const more = withSeed.length - without.length;
      assert.ok(more <= 2, `${without.join('\n')}\n--\n${withSeed.join('\n')}`);
      assert.ok(withSeed.some((line) => line === 'POST /nodes/pve1/storage/seeds/upload'));
    }, seedOptions()),
  );

  it(
    'there is one drive with data for the guest: the one of Proxmox VE gives way to the seed',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ ...seeds, cloud_init: 'static' });
      cloud.change({ guest: web1 });
      await cloud.ok('create');
      const told = [...cluster.vm(10042).config].filter(([, value]) =>
        /cloudinit|outrigger-/.test(value),
      );
      assert.deepEqual(
        told.map(([key]) => key),
        ['ide2'],
      );
      assert.match(told[0]?.[1] ?? '', /^seeds:iso/);
    }, seedOptions()),
  );

  it(
    'without data that need one, create and start make no seed',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ ...seeds, cloud_init: 'static' });
      await cloud.ok('create');
      await cloud.ok('stop');
      cloud.change({ guest: { hostname: 'web1' } });
      await cloud.ok('start');
      assert.equal(seedsOf(cluster).length, 0);
      assert.match(cluster.vm(10042).config.get('ide2') ?? '', /cloudinit/);
    }, seedOptions()),
  );
});

describe('proxmox keeps the seed of an instance in step', { concurrency: 4, skip }, () => {
  it(
    'start writes it anew, with another instance-id for other user data only',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure(seeds);
      cloud.change({ guest: { ...web1, password: 'secret1' } });
      await cloud.ok('create');
      const first = metaOf(cluster);
      await cloud.ok('stop');
      cloud.change({ guest: { ...web1, hostname: 'web2' } });
      await cloud.ok('start');
      const second = metaOf(cluster);
      assert.equal(second['local-hostname'], 'web2');
      assert.equal(second['instance-id'], first['instance-id']);
      const [seed] = seedsOf(cluster);
      assert.doesNotMatch(seed?.data ?? '', /secret1|password/, 'a password is handed over once');
      await cloud.ok('stop');
      cloud.change({ guest: { ...web1, userData: Buffer.from('#cloud-config\n{}\n') } });
      await cloud.ok('start');
      assert.notEqual(metaOf(cluster)['instance-id'], first['instance-id']);
      assert.equal(seedsOf(cluster).length, 1);
    }, seedOptions()),
  );

  it(
    'start brings back a seed that was removed, and a drive that was emptied',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure(seeds);
      cloud.change({ guest: web1 });
      await cloud.ok('create');
      await cloud.ok('stop');
      for (const volume of seedsOf(cluster)) cluster.state.volumes.delete(volume);
      await cloud.ok('start');
      assert.deepEqual(readSeed(cluster, 'user-data'), userData);
      await cloud.ok('stop');
      cluster.vm(10042).config.delete('ide2');
      await cloud.ok('start');
      assert.deepEqual(readSeed(cluster, 'user-data'), userData);
    }, seedOptions()),
  );

  it(
    'delete removes it before the machine, and a failure to do so keeps neither',
    inCluster(async ({ cloud, cluster, configure, changes, place }) => {
      configure(seeds);
      cloud.change({ guest: web1 });
      await cloud.deploy();
      await cloud.ok('stop');
      await cloud.ok('delete');
      assert.equal(seedsOf(cluster).length, 0);
      const order = changes().filter((line) => line.startsWith('DELETE'));
      assert.match(order[0] ?? '', /storage\/seeds\/content\/seeds:iso/);
      assert.match(order[1] ?? '', /\/qemu\/10042$/);
      await cloud.deploy();
      await cloud.ok('stop');
      cluster.state.roles.set('CloudStackSeeds', new Set(['Datastore.Audit']));
      await cloud.ok('delete');
      assert.equal(cluster.state.vms.has(10042), false);
      assert.ok(place.log().some((line) => line['event'] === 'seed.kept'));
    }, seedOptions()),
  );

  it(
    'a create that fails leaves no seed',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure(seeds);
      cloud.change({ guest: web1 });
      cluster.faults.task({ type: 'qmstart', fail: 'no memory' });
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.equal(cluster.state.vms.has(10042), false);
      assert.equal(seedsOf(cluster).length, 0);
    }, seedOptions()),
  );

  it(
    'a machine whose seed is gone starts with an empty drive where no payload brings another',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ ...seeds, max_snapshots: '3' });
      cloud.change({ guest: web1 });
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', { snap_name: 'before' });
      for (const volume of seedsOf(cluster)) cluster.state.volumes.delete(volume);
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'before' });
      assert.equal(cluster.vm(10042).power, 'running');
      assert.equal(cluster.vm(10042).config.get('ide2'), 'none,media=cdrom');
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.deepEqual(readSeed(cluster, 'user-data'), userData);
    }, seedOptions()),
  );

  it(
    'an action about images leaves the drive with the seed alone',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure(seeds);
      cloud.change({ guest: web1 });
      await cloud.deploy();
      await cloud.okCustom('AttachIso', { iso_path: 'local:iso/debian.iso' }, { caller: admin });
      assert.match(seedDrive(cluster) ?? '', /^seeds:/);
      await cloud.okCustom('DetachIso', {}, { caller: admin });
      assert.match(seedDrive(cluster) ?? '', /^seeds:/);
    }, seedOptions()),
  );

  it(
    'a move to another node takes the seed out and puts it back where that node has it',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ ...seeds, nodes: 'pve1,pve2' });
      cloud.change({ guest: web1 });
      await cloud.deploy();
      const move = (node: string) => cloud.okCustom('Migrate', { node }, { caller: admin });
      await move('pve2');
      const vm = cluster.vm(10042);
      assert.deepEqual([vm.node, vm.config.get('ide2')], ['pve2', 'none,media=cdrom']);
      await move('pve1');
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.deepEqual(readSeed(cluster, 'user-data'), userData);
      cluster.faults.task({ type: 'qmigrate', fail: 'no way' });
      const failed = await cloud.custom('Migrate', { node: 'pve2' }, { caller: admin });
      assert.equal(failed.exitCode, 1);
      assert.match(seedDrive(cluster) ?? '', /^seeds:iso/);
      // Gone with the machine from every node, the one that it has left included.
      await cloud.ok('stop');
      await cloud.ok('delete');
      assert.deepEqual(seedsOf(cluster), []);
    }, seedOptions()),
  );

  it(
    'a shared seed travels in its drive',
    inCluster(
      async ({ cloud, cluster, configure, changes }) => {
        configure({ ...seeds, nodes: 'pve1,pve2' });
        cloud.change({ guest: web1 });
        await cloud.deploy();
        const from = changes().length;
        await cloud.okCustom('Migrate', { node: 'pve2' }, { caller: admin });
        assert.match(seedDrive(cluster) ?? '', /^seeds:iso/);
        assert.equal(
          changes()
            .slice(from)
            .filter((line) => line.startsWith('PUT')).length,
          0,
        );
      },
      seedOptions({ shared: true }),
    ),
  );

  it(
    'audit shows a seed whose instance has no machine, once it has waited for an hour',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure(seeds);
      cloud.change({ guest: web1 });
      await cloud.deploy();
      const verbs = await sessionOf(cluster, seeds);
      const leftovers = async () => (await verbs.machines()).filter(({ leftover }) => leftover);
      assert.deepEqual(await leftovers(), []);
      cluster.state.vms.delete(10042);
      assert.deepEqual(await leftovers(), []);
      for (const seed of seedsOf(cluster)) {
        cluster.state.volumes.delete(seed);
        cluster.state.volumes.add({ ...seed, ctime: seed.ctime - 4000 });
      }
      const [found] = await leftovers();
      assert.match(found?.remarks?.join() ?? '', /instance without a machine, on pve1: remove it/);
      assert.match(found?.remoteId ?? '', new RegExp(cloud.vm.uuid));
    }, seedOptions()),
  );

  it(
    'doctor tells what the storage for seeds lacks, with the command for it',
    inCluster(async ({ cluster }) => {
      const found = async () => {
        const all = await checksOf(cluster, seeds);
        return all.find(({ name }) => name === 'seed storage');
      };
      assert.equal((await found())?.state, 'ok');
      Object.assign(cluster.state.storages.get('seeds') ?? {}, { content: ['iso', 'images'] });
      assert.match((await found())?.found ?? '', /holds images too/);
      Object.assign(cluster.state.storages.get('seeds') ?? {}, { content: ['images'] });
      assert.match((await found())?.found ?? '', /takes no images/);
      cluster.state.roles.set('CloudStackSeeds', new Set(['Datastore.Audit']));
      const denied = await found();
      assert.match(denied?.found ?? '', /missing on \/storage\/seeds: Datastore\.Allocate, /);
      assert.match(
        denied?.advice ?? '',
        /pveum acl modify \/storage\/seeds .* --roles CloudStackSeeds/,
      );
      assert.equal(
        (await checksOf(cluster, {})).some(({ name }) => name === 'seed storage'),
        false,
      );
    }, seedOptions()),
  );
});

describe('a create with a seed that is broken off', { concurrency: 4, skip }, () => {
  for (const point of ['before', 'after'] as const) {
    it(
      `${point} each of its requests leaves no seed that the next calls do not find`,
      inCluster(async ({ cloud, cluster, configure }) => {
        configure(seeds);
        cloud.change({ guest: web1 });
        const broken = ['upload', 'config', 'start'];
        for (const end of broken) {
          const fault = cluster.faults.request({
            method: end === 'config' ? 'PUT' : 'POST',
            path: new RegExp(`/${end}$`),
            cut: point,
            times: 2,
          });
          await cloud.call('create');
          fault.remove();
          await cloud.ok('create');
          assert.deepEqual(readSeed(cluster, 'user-data'), userData, end);
          assert.equal(seedsOf(cluster).length, 1);
          await cloud.ok('stop');
          await cloud.ok('delete');
          assert.deepEqual(seedsOf(cluster), [], end);
        }
      }, seedOptions()),
    );
  }
});
