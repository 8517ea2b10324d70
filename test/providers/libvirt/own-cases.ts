import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { below, first } from '../../../src/kit/xml/tree.ts';
import { type Domain, listDomains } from '../../../src/providers/libvirt/api/domains.ts';
import { u32 } from '../../../src/providers/libvirt/api/xdr.ts';
import type { SetUp } from '../../conformance/backend.ts';
import { inScene, type Scene } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { deadline, type Looked } from './admin.ts';
import type { LibvirtBackend } from './backend.ts';
import { diskBytes } from './images.ts';

function backendOf({ backend }: Scene): LibvirtBackend {
  return backend as LibvirtBackend;
}

async function machineOf({ cloud }: Scene): Promise<Looked> {
  return (await cloud.machine()) as Looked;
}

/** The facts that qemu-img has of the disk of an instance, whose file it finds in the tests' folder. */
async function diskOf(scene: Scene): Promise<Readonly<Record<string, unknown>>> {
  const { live } = await machineOf(scene);
  const file = first(first(live, 'devices', 'disk'), 'source')?.attributes['file'] ?? '';
  const path = join(backendOf(scene).host.daemon.pools.default, file.split('/').pop() ?? '');
  const text = execFileSync('qemu-img', ['info', '-U', '--output=json', path], {
    encoding: 'utf8',
  });
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

/** Changes the choices of the instance; `undefined` takes one back. */
function choose({ cloud }: Scene, more: Readonly<Record<string, string | undefined>>): void {
  const all = new Map<string, string>(Object.entries(cloud.vm.details));
  for (const [key, value] of Object.entries(more)) {
    if (value === undefined) all.delete(`External:${key}`);
    else all.set(`External:${key}`, value);
  }
  cloud.change({ details: Object.fromEntries(all) });
}

/** The cases that only libvirt has, each on a host alone. */
export function ownCases(setUp: SetUp): void {
  it(
    'a linked disk has the template behind it, which stays when the instance is deleted',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      const { pools } = backendOf(scene).host.daemon;
      writeFileSync(join(pools.default, 'somebodys.qcow2'), 'kept');
      await cloud.deploy();
      const facts = await diskOf(scene);
      assert.equal(facts['backing-filename'], '/var/lib/libvirt/templates/guest.qcow2');
      assert.equal(facts['virtual-size'], diskBytes);
      await cloud.ok('delete');
      assert.deepEqual(readdirSync(pools.default), ['somebodys.qcow2']);
      assert.ok(existsSync(join(pools.templates, 'guest.qcow2')));
      rmSync(join(pools.default, 'somebodys.qcow2'));
    }),
  );

  for (const change of changesOfCreate) {
    it(
      `a create that is killed after change ${change} is settled by the next one`,
      inScene(setUp, async ({ cloud, backend }) => {
        const broken = await backend.breakOff?.({ change, how: 'after', lasts: true });
        const killed = await cloud.call('create', { timeoutSeconds: 20 });
        assert.equal(killed.exitCode, 1);
        assert.equal(broken?.changes(), change);
        await broken?.mend();
        await cloud.ok('create');
        const machine = await cloud.machine();
        assert.deepEqual([machine.power, machine.name], ['on', cloud.vm.name]);
        assert.match(machine.mark, /"state":"built"/);
        assert.equal((await backend.machines()).length, 1);
      }),
    );
  }

  it(
    'a create that makes other changes than these five has to be killed there too',
    inScene(setUp, async ({ cloud, backend }) => {
      const never = { change: Number.POSITIVE_INFINITY, how: 'before', lasts: true } as const;
      const broken = await backend.breakOff?.(never);
      await cloud.ok('create');
      assert.equal(broken?.changes(), changesOfCreate.length);
    }),
  );

  it(
    'a full copy has nothing behind it, and both it and a linked disk are as large as was chosen',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      for (const is_full_clone of ['true', 'false']) {
        choose(scene, { is_full_clone, disk_size_gb: '1' });
        await cloud.deploy();
        const facts = await diskOf(scene);
        assert.equal(facts['backing-filename'] === undefined, is_full_clone === 'true');
        assert.equal(facts['virtual-size'], 2 ** 30);
        await cloud.ok('delete');
      }
    }),
  );

  it(
    'an instance from an ISO image has an empty disk, and the image in its drive',
    inScene(setUp, async (scene) => {
      choose(scene, { template_id: undefined, iso_path: 'guest.raw', disk_size_gb: '1' });
      await scene.cloud.deploy({ host: { iso_pool: 'templates' } });
      const { live } = await machineOf(scene);
      const disks = below(first(live, 'devices'), 'disk');
      const files = disks.map((disk) => first(disk, 'source')?.attributes['file']);
      assert.equal(files[1], '/var/lib/libvirt/templates/guest.raw');
      assert.equal((await diskOf(scene))['virtual-size'], 2 ** 30);
    }),
  );

  it(
    'the disk of another instance is no template, although it is in the pool',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      const host = { template_pool: 'default', allowed_templates: '*' };
      const victim = cloud.another();
      await victim.deploy();
      const [template_id] = readdirSync(backendOf(scene).host.daemon.pools.default);
      choose(scene, { template_id });
      const { exitCode, text } = await cloud.call('create', { host, caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /Storage pool default has no volume/);
    }),
  );

  it(
    'a host without KVM is refused unless the operator allows emulation',
    inScene(setUp, async (scene) => {
      const { cloud, backend } = scene;
      const { exitCode, text } = await cloud.call('create', {
        ...{ host: { emulation: 'never' }, caller: admin },
      });
      assert.equal(exitCode, 1);
      assert.match(text, /cannot run x86_64 machines on KVM/);
      assert.deepEqual(await backend.machines(), []);
      await cloud.ok('create', { host: { emulation: 'fallback' } });
      assert.equal((await machineOf(scene)).live.attributes['type'], 'qemu');
    }),
  );

  it(
    'an instance with more memory than the host has is refused before anything is made',
    inScene(setUp, async ({ cloud, backend }) => {
      cloud.change({ memoryMb: 16 * 2 ** 20 });
      const { exitCode, text } = await cloud.call('create', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /MiB of memory left, and the instance needs 16777216 MiB/);
      assert.deepEqual(await backend.machines(), []);
    }),
  );

  it(
    'a guest that an administrator suspended is on and goes on with a start; one saved to disk is not off',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      const { daemon } = backendOf(scene).host;
      await cloud.deploy();
      daemon.virsh('suspend', cloud.vm.name);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      await cloud.ok('start');
      assert.equal((await cloud.machine()).power, 'on');
      daemon.virsh('managedsave', cloud.vm.name);
      for (const action of ['status', 'statuses']) {
        assert.doesNotMatch((await cloud.call(action)).text, /PowerOff/);
      }
      await cloud.ok('start');
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  it(
    'a guest outlives a restart of libvirtd, after which every action works',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      await cloud.deploy();
      const { domain } = await machineOf(scene);
      await backendOf(scene).host.daemon.restart();
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      assert.equal((await machineOf(scene)).domain.id, domain.id);
      await cloud.ok('stop');
      await cloud.ok('start');
    }),
  );

  it(
    'the screen asks for a password, and getconsole answers one that runs out',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      await cloud.deploy();
      const { document } = await cloud.ok('getconsole');
      const { host, port, password } = document['console'] as Readonly<Record<string, string>>;
      assert.deepEqual(await securityTypes(String(host), Number(port)), [2]);
      const { daemon } = backendOf(scene).host;
      const xml = daemon.virsh('dumpxml', '--security-info', cloud.vm.name);
      const [, known, until = ''] = /passwd='([^']*)' passwdValidTo='([^']*)'/.exec(xml) ?? [];
      assert.equal(known, password);
      const leftMs = Date.parse(`${until}Z`) - Date.now();
      assert.ok(leftMs > 0 && leftMs < 61_000, `the password works until ${until}`);
      const lasting = daemon.virsh('dumpxml', '--inactive', '--security-info', cloud.vm.name);
      assert.match(lasting, /passwdValidTo='1970-01-01T00:00:00'/);
    }),
  );

  it(
    'a client that was asked whether it is alive answers, so that libvirtd keeps the connection',
    inScene(setUp, async (scene) => {
      const { client } = backendOf(scene).host;
      const ask = { what: 'list', deadline: deadline() };
      const keepalive = 10;
      const one = await client.call('supportsFeature', [u32(keepalive)], ask, (from) => from.i32());
      assert.equal(one, 1);
      // The tests' libvirtd asks every second, and hangs up after two questions without an answer.
      await pause(5000);
      const all: readonly Domain[] = await listDomains(client, 0, ask);
      assert.deepEqual(all, []);
    }),
  );

  it(
    'the disk grows while the guest runs and while it is off, and never gets smaller',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      await cloud.deploy();
      await cloud.okCustom('ResizeDisk', { size_gb: '1' }, { caller: admin });
      assert.equal((await diskOf(scene))['virtual-size'], 2 ** 30);
      await cloud.ok('stop');
      await cloud.okCustom('ResizeDisk', { size_gb: '2' }, { caller: admin });
      assert.equal((await diskOf(scene))['virtual-size'], 2 * 2 ** 30);
      const { exitCode } = await cloud.custom('ResizeDisk', { size_gb: '1' }, { caller: admin });
      assert.equal(exitCode, 1);
    }),
  );
}

/** Definition, disk, name, start and mark. */
const changesOfCreate = [1, 2, 3, 4, 5];

/** The ways of authentication that a VNC server offers; 1 is none, 2 a password. */
function securityTypes(host: string, port: number): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.once('data', () => {
      socket.once('data', (types) => {
        socket.destroy();
        resolve([...types.subarray(1, 1 + (types[0] ?? 0))]);
      });
      socket.write('RFB 003.008\n');
    });
    socket.on('error', reject);
  });
}
