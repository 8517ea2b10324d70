import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { File, HostState } from '../../../fakes/winrm/state.ts';
import { skipWithout } from '../../support/debian.ts';
import { admin } from '../../support/payloads.ts';
import { scene } from './scene.ts';

const skip = skipWithout('/usr/bin/isoinfo', 'genisoimage');
const userData = Buffer.from('#cloud-config\npackages: [nginx]\n');
const web1 = { hostname: 'web1', userData, keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJx me'] };

function seedIn({ files }: HostState): File | undefined {
  const [found, ...others] = [...files].filter(([path]) => path.endsWith('outrigger-seed.iso'));
  assert.equal(others.length, 0);
  return found?.[1];
}

function read(state: HostState, name: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-seed-'));
  try {
    const file = join(folder, 'seed.iso');
    writeFileSync(file, Buffer.from(seedIn(state)?.content ?? '', 'latin1'));
    const done = spawnSync('isoinfo', ['-R', '-x', `/${name}`, '-i', file], { maxBuffer: 2 ** 24 });
    assert.equal(done.status, 0, String(done.stderr));
    return done.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('hyperv hands a guest its data on an image in the folder of its machine', { skip }, () => {
  for (const generation of ['1', '2']) {
    it(
      `a machine of generation ${generation} gets it in a drive of its own, byte for byte`,
      scene(async ({ cloud, state, machine, choose }) => {
        choose({ generation });
        const hostile = Buffer.concat([
          Buffer.from([0, 255, 254, 13, 10]),
          Buffer.alloc(300_000, 'ab'),
          Buffer.alloc(70_000),
          userData,
        ]);
        cloud.change({ guest: { ...web1, userData: hostile, password: 'a"b' } });
        await cloud.deploy();
        assert.ok(read(state, 'user-data').equals(hostile));
        const meta = JSON.parse(read(state, 'meta-data').toString());
        assert.equal(meta['local-hostname'], 'web1');
        const images = (await machine()).media.filter((path) => path !== '');
        assert.equal(images.length, 1);
        assert.match(images[0] ?? '', new RegExp(`${cloud.vm.uuid}\\\\outrigger-seed\\.iso$`));
        assert.doesNotMatch(cloud.allOutput(), /a\\?"b/);
      }),
    );
  }

  it(
    'start writes it anew, and delete removes it with the folder',
    scene(async ({ cloud, state }) => {
      cloud.change({ guest: { ...web1, password: 'secret1' } });
      await cloud.deploy();
      await cloud.ok('stop');
      cloud.change({ guest: { ...web1, hostname: 'web2' } });
      await cloud.ok('start');
      assert.equal(JSON.parse(read(state, 'meta-data').toString())['local-hostname'], 'web2');
      assert.doesNotMatch(seedIn(state)?.content ?? '', /secret1/);
      await cloud.ok('stop');
      await cloud.ok('delete');
      assert.equal(seedIn(state), undefined);
      assert.ok(![...state.folders].some((folder) => folder.includes(cloud.vm.uuid)));
    }),
  );

  it(
    'a detail counts where CloudStack sends nothing; without data there is no image',
    scene(async ({ cloud, state, machine, choose }) => {
      await cloud.deploy();
      assert.equal(seedIn(state), undefined);
      assert.deepEqual((await machine()).media, []);
      await cloud.ok('stop');
      choose({ user_data: userData.toString('base64') });
      await cloud.ok('start');
      assert.deepEqual(read(state, 'user-data'), userData);
    }),
  );

  it(
    'a guest of Windows gets a config drive',
    scene(async ({ cloud, state, choose }) => {
      choose({ guest_system: 'windows' });
      cloud.change({ guest: web1 });
      await cloud.deploy();
      assert.deepEqual(read(state, 'openstack/latest/user_data'), userData);
    }),
  );

  it(
    'the actions about images leave its drive alone',
    scene(async ({ cloud, machine }) => {
      cloud.change({ guest: web1 });
      await cloud.deploy();
      const images = async () => (await machine()).media.filter((path) => path !== '');
      const [seed = ''] = await images();
      assert.match(seed, /outrigger-seed\.iso$/);
      await cloud.okCustom('AttachIso', { iso_path: 'D:\\ISO\\debian-12.iso' }, { caller: admin });
      assert.deepEqual((await images()).sort(), ['D:\\ISO\\debian-12.iso', seed].sort());
      await cloud.okCustom('DetachIso', {}, { caller: admin });
      assert.deepEqual(await images(), [seed]);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'one' });
      assert.deepEqual(await images(), [seed]);
    }),
  );
});
