import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { below, first } from '../../../src/kit/xml/tree.ts';
import type { SetUp } from '../../conformance/backend.ts';
import { inScene, type Scene } from '../../conformance/cloud.ts';
import { operatorVerbs } from '../../conformance/operator.ts';
import { skipWithout } from '../../support/debian.ts';
import { admin } from '../../support/payloads.ts';
import type { Looked } from './admin.ts';
import type { LibvirtBackend } from './backend.ts';

/** The file of the seed in a pool, as the tests see it. */
function seedOf({ backend, cloud }: Scene, pool: 'default' | 'templates' = 'default'): string {
  const { pools } = (backend as LibvirtBackend).host.daemon;
  return join(pools[pool], `${cloud.vm.uuid}-seed.iso`);
}

function read(image: string, name: string): Buffer {
  const options = { maxBuffer: 10_000_000 };
  return execFileSync('isoinfo', ['-R', '-x', `/${name}`, '-i', image], options);
}

function metaIn(image: string): Readonly<Record<string, unknown>> {
  return JSON.parse(read(image, 'meta-data').toString());
}

/** The files in the CD drives of the machine, an empty one among them. */
async function discsOf({ cloud }: Scene): Promise<readonly (string | undefined)[]> {
  const { live } = (await cloud.machine()) as Looked;
  return below(first(live, 'devices'), 'disk')
    .filter(({ attributes }) => attributes['device'] === 'cdrom')
    .map((drive) => first(drive, 'source')?.attributes['file']);
}

const text = Buffer.from('#cloud-config\n{}\n');
const web1 = { hostname: 'web1', publicKeys: ['ssh-ed25519 AAAA web'], metadata: {} };

const skip = skipWithout('/usr/bin/isoinfo', 'genisoimage');

/** The cases about what a guest is told and given, each on a host alone. */
export function guestCases(setUp: SetUp): void {
  it(
    'user data of any bytes arrive on an image in a drive, which start brings up to date and delete removes',
    { skip },
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      const bytes = [Buffer.from([0, 255, 254, 13, 10]), Buffer.alloc(300_000, 'ab'), text];
      const hostile = Buffer.concat(bytes);
      cloud.change({ guest: { ...web1, userData: hostile, password: 'a"b' } });
      await cloud.deploy();
      const image = seedOf(scene);
      assert.ok(read(image, 'user-data').equals(hostile));
      const before = metaIn(image);
      assert.equal(before['local-hostname'], 'web1');
      assert.match(read(image, 'vendor-data').toString(), /cloud-boothook/);
      const path = `/var/lib/libvirt/images/${cloud.vm.uuid}-seed.iso`;
      assert.deepEqual(await discsOf(scene), [undefined, path]);
      assert.doesNotMatch(cloud.allOutput(), /a\\?"b/);

      await cloud.okCustom('CreateSnapshot', { snap_name: 'with-seed' });
      await cloud.ok('stop');
      cloud.change({ guest: { ...web1, userData: hostile, hostname: 'web2' } });
      await cloud.ok('start');
      const after = metaIn(image);
      assert.equal(after['local-hostname'], 'web2');
      assert.equal(after['instance-id'], before['instance-id'], 'no first boot for a new name');
      assert.ok(!execFileSync('isoinfo', ['-R', '-f', '-i', image]).includes('vendor-data'));
      assert.deepEqual(await discsOf(scene), [undefined, path]);

      await cloud.ok('stop');
      cloud.change({ guest: { ...web1, userData: text } });
      await cloud.ok('start');
      assert.notEqual(metaIn(image)['instance-id'], before['instance-id']);
      await cloud.ok('delete');
      assert.ok(!existsSync(image));
    }),
  );

  it(
    'a machine without a seed gets one only for user data, in the pool that the operator has set',
    { skip },
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      const host = { seed_pool: 'templates' };
      await cloud.deploy();
      assert.deepEqual(await discsOf(scene), [undefined]);
      await cloud.ok('stop');
      const details = { ...cloud.vm.details, 'External:user_data': text.toString('base64') };
      cloud.change({ details });
      await cloud.ok('start', { host });
      assert.ok(!existsSync(seedOf(scene)));
      assert.deepEqual(read(seedOf(scene, 'templates'), 'user-data'), text);
      const stolen = `${cloud.vm.uuid}-seed.iso`;
      const thief = cloud.another();
      thief.change({
        details: { 'External:iso_path': stolen, 'External:disk_size_gb': '1' },
      });
      const { exitCode } = await thief.call('create', { host: { ...host, iso_pool: 'templates' } });
      assert.equal(exitCode, 1, 'no other instance boots from it');
      await cloud.ok('delete');
      assert.ok(!existsSync(seedOf(scene, 'templates')), 'also without the setting');
    }),
  );

  it(
    'a NIC that CloudStack has disabled has its link down, until a start finds it enabled',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      const links = async () => {
        const { live } = (await cloud.machine()) as Looked;
        const nics = below(first(live, 'devices'), 'interface');
        return nics.map((nic) => first(nic, 'link')?.attributes['state']);
      };
      const [nic, ...others] = cloud.vm.nics;
      assert.ok(nic);
      cloud.change({ nics: [{ ...nic, isDown: true }, ...others] });
      await cloud.deploy();
      assert.deepEqual(await links(), ['down', undefined]);
      await cloud.ok('stop');
      cloud.change({ nics: [nic, ...others] });
      await cloud.ok('start');
      assert.deepEqual(await links(), [undefined, undefined]);
    }),
  );

  it(
    'an image goes into the drive and out again while the guest runs, if it is allowed',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      await cloud.deploy();
      const options = { caller: admin, host: { iso_pool: 'templates' } };
      const put = { iso_path: 'guest.raw' };
      await cloud.okCustom('AttachIso', put, options);
      assert.deepEqual(await discsOf(scene), ['/var/lib/libvirt/templates/guest.raw']);
      await cloud.okCustom('DetachIso', undefined, options);
      assert.deepEqual(await discsOf(scene), [undefined]);
      const strict = { ...options, host: { ...options.host, allowed_isos: 'debian-*' } };
      assert.equal((await cloud.custom('AttachIso', put, strict)).exitCode, 1);
    }),
  );

  it(
    'a running guest of the newer chip set gets a disk, and audit shows volumes without a machine',
    inScene(setUp, async (scene) => {
      const { cloud, backend } = scene;
      const host = { machine_type: 'q35' };
      await cloud.deploy({ host });
      const added = await cloud.okCustom('AddDisk', { size_gb: 1 }, { caller: admin, host });
      assert.match(added.text, /data-1 was added as vdb/);
      const { pools } = (backend as LibvirtBackend).host.daemon;
      const orphan = `${cloud.vm.uuid.replace(/^8/, '9')}-seed.iso`;
      writeFileSync(join(pools.default, orphan), '');
      (backend as LibvirtBackend).host.daemon.virsh('pool-refresh', 'default');
      const listed = await operatorVerbs(scene).machines();
      rmSync(join(pools.default, orphan));
      const [left, ...more] = listed.filter((machine) => machine.leftover === true);
      assert.deepEqual([left?.remoteId, more], [`default/${orphan}`, []]);
      assert.match(left?.remarks?.join() ?? '', /seed of an instance without a machine/);
    }),
  );
}
