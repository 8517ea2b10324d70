import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { SetUp } from '../../conformance/backend.ts';
import { inScene, type Scene } from '../../conformance/cloud.ts';
import { examine, instanceOf, operatorVerbs } from '../../conformance/operator.ts';
import { admin } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import type { IncusBackend } from './backend.ts';
import type { Server } from './server.ts';

/** The cases that only Incus has, each on a project of its own. */
export function ownCases(genuine: () => Promise<Server>, setUp: SetUp): void {
  const at = ({ backend }: Scene, name: string): string =>
    `/1.0/instances/${name}?project=${(backend as IncusBackend).project}`;
  const read = async (scene: Scene, name: string) =>
    (await (await genuine()).ask('GET', at(scene, name))) as {
      readonly config: Readonly<Record<string, string>>;
      readonly expanded_devices: Readonly<Record<string, { readonly type: string }>>;
    };

  it(
    'statuses fails for a project that does not exist, whose list is empty and no error',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { exitCode, document } = await cloud.call('statuses', { host: { project: 'nosuch' } });
      assert.equal(exitCode, 1);
      assert.match(String(document['error']), /Incus has no project nosuch/);
    }),
  );

  it(
    'a status is one request, and statuses another one',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      for (const action of ['status', 'statuses']) {
        let requests = 0;
        (backend as IncusBackend).proxy.disturb(() => {
          requests += 1;
          return undefined;
        });
        await cloud.ok(action);
        assert.equal(requests, 1, action);
      }
    }),
  );

  it(
    'a certificate that is restricted to the project is enough for a whole life',
    inScene(
      async (place: Place) => {
        const backend = (await setUp(place)) as IncusBackend;
        await (await genuine()).allow(backend.project);
        await backend.withdrawRights(true);
        return backend;
      },
      async ({ cloud, backend }) => {
        await cloud.deploy();
        await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
        await cloud.okCustom('AddDisk', { size_gb: 1 }, { caller: admin });
        await cloud.ok('reboot');
        await cloud.ok('stop');
        await cloud.ok('start');
        await cloud.ok('delete');
        assert.deepEqual(await backend.machines(), []);
      },
    ),
  );

  it(
    'a NIC that a profile brings along is taken from the instance',
    inScene(setUp, async (scene) => {
      const { cloud, backend } = scene;
      const { project, bridges } = backend as IncusBackend;
      const nic = { type: 'nic', nictype: 'bridged', parent: `${bridges}3001` };
      const profile = { name: `extra-${project}`, devices: { extra: nic } };
      const { ask } = await genuine();
      await ask('POST', '/1.0/profiles', profile);
      await cloud.deploy({ host: { profiles: `default,${profile.name}` } });
      const { remoteId } = await cloud.machine();
      const { expanded_devices: devices } = await read(scene, remoteId);
      assert.equal(devices['extra']?.type, 'none');
      await cloud.ok('delete');
      await ask('DELETE', `/1.0/profiles/${profile.name}`);
    }),
  );

  it(
    'an ephemeral instance is not adopted, since Incus removes it when it stops',
    inScene(setUp, async (scene) => {
      const { project } = scene.backend as IncusBackend;
      await (await genuine()).ask('POST', `/1.0/instances?project=${project}`, {
        ...{ name: 'short-lived', type: 'container', ephemeral: true, profiles: ['default'] },
        source: { type: 'image', alias: project },
      });
      const adopt = operatorVerbs(scene).adopt('short-lived', instanceOf(scene.cloud));
      await assert.rejects(adopt, /it is ephemeral/);
    }),
  );

  it(
    'user data, keys and addresses reach cloud-init; only other user data make the guest begin anew',
    inScene(setUp, async (scene) => {
      const { cloud } = scene;
      const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGV4YW1wbGU me@example';
      let host = {};
      const choose = (user_data: string, keys: string) => {
        host = { cloud_init: 'static', user_data };
        cloud.change({ details: { ...cloud.vm.details, 'SSH.PublicKey': keys } });
      };
      const config = async () => (await read(scene, (await cloud.machine()).remoteId)).config;
      const again = async () => {
        await cloud.ok('stop');
        await cloud.ok('start', { host });
        return config();
      };
      choose('#cloud-config\npackages: [nginx]', key);
      await cloud.deploy({ host });
      const first = await config();
      assert.equal(first['cloud-init.user-data'], '#cloud-config\npackages: [nginx]');
      assert.match(first['cloud-init.vendor-data'] ?? '', /^ssh_authorized_keys: .*me@example/m);
      assert.match(first['cloud-init.network-config'] ?? '', /"?macaddress"?: /);
      const id = 'volatile.cloud-init.instance-id';
      choose('#cloud-config\npackages: [nginx]', `${key}\nssh-rsa AAAA other@example`);
      const second = await again();
      assert.match(second['cloud-init.vendor-data'] ?? '', /other@example/);
      assert.equal(second[id], first[id]);
      choose('#cloud-config\npackages: [haproxy]', key);
      const third = await again();
      assert.match(third['cloud-init.user-data'] ?? '', /haproxy/);
      assert.notEqual(third[id], first[id]);
    }),
  );

  it(
    'a guest that is paused counts as on, and start lets it go on',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      await cloud.okCustom('Suspend', {}, { caller: admin });
      assert.equal((await cloud.machine()).power, 'paused');
      const { document } = await cloud.ok('status');
      assert.equal(document['power_state'], 'PowerOn');
      await cloud.ok('start');
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  it(
    'of two reboots at once, and of two deletes, none fails',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await Promise.all([cloud.ok('reboot'), cloud.ok('reboot')]);
      assert.equal((await cloud.machine()).power, 'on');
      await Promise.all([cloud.ok('delete'), cloud.ok('delete')]);
      assert.deepEqual(await backend.machines(), []);
    }),
  );

  it(
    'Reinstall is refused before anything is stopped where the server cannot, or snapshots are there',
    inScene(setUp, async ({ cloud }) => {
      const { edition } = await genuine();
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      const { all } = await cloud.machine();
      const parameters = { confirm: cloud.vm.name };
      const { exitCode, text } = await cloud.custom('Reinstall', parameters, { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(
        text,
        edition === 'lxd' ? /cannot install an instance anew/ : /remove them first/,
      );
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'a stop waits for a guest that takes longer to go down than one question to the server may last',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.ignoreShutdown?.(true);
      const from = Date.now();
      await cloud.ok('stop', { host: { grace_seconds: '11' }, timeoutSeconds: 60 });
      assert.ok(Date.now() - from > 10_500);
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'a create and a snapshot whose tasks do not end in time are taken back',
    inScene(setUp, async (scene) => {
      const { cloud, backend } = scene;
      const { proxy } = backend as IncusBackend;
      proxy.holdTasks(Number.POSITIVE_INFINITY);
      const created = await cloud.call('create', { timeoutSeconds: 12 });
      assert.equal(created.exitCode, 1);
      assert.match(String(created.document['error']), /Gave up after/);
      assert.deepEqual(await backend.machines(), []);
      proxy.holdTasks(0);
      await cloud.deploy();
      proxy.holdTasks(Number.POSITIVE_INFINITY);
      const parameters = { snap_name: 'too-slow' };
      const saved = await cloud.custom('CreateSnapshot', parameters, { timeoutSeconds: 12 });
      assert.equal(saved.exitCode, 1);
      proxy.holdTasks(0);
      const { document } = await cloud.okCustom('ListSnapshots');
      assert.deepEqual(document['message'], [{ Result: 'There are no snapshots.' }]);
    }),
  );

  it(
    'a snapshot is restored without a disk that was deleted since, and a volume without our mark is never taken',
    inScene(setUp, async (scene) => {
      const { cloud, backend } = scene;
      const { project } = backend as IncusBackend;
      const { ask } = await genuine();
      const as = { caller: admin };
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, as);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      await cloud.okCustom('DetachDisk', { disk: 'default/data1' }, as);
      const gone = { disk: 'default/data1', confirm: cloud.vm.name };
      await cloud.okCustom('DeleteDisk', gone, as);
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'one' });
      assert.equal((await cloud.machine()).power, 'on');
      // The name that the next disk would get.
      await ask('POST', `/1.0/storage-pools/default/volumes/custom?project=${project}`, {
        ...{ name: `${cloud.vm.uuid}-data1`, type: 'custom', config: { 'user.mine': 'yes' } },
      });
      const refused = await cloud.custom('AddDisk', { size_gb: 1 }, as);
      assert.match(refused.text, /-data1, which carries no mark of this instance/);
      await cloud.ok('stop');
      await cloud.ok('delete');
      const at = `/1.0/storage-pools/default/volumes/custom/${cloud.vm.uuid}-data1`;
      assert.ok(await ask('GET', `${at}?project=${project}`));
    }),
  );

  it(
    'audit shows the data disk of an instance that was removed by hand',
    inScene(setUp, async (scene) => {
      const { cloud, backend } = scene;
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, { caller: admin });
      const { remoteId } = await cloud.machine();
      const bare = { 'user.outrigger.mark': '', 'user.outrigger.uuid': '' };
      await (await genuine()).ask('PATCH', at(scene, remoteId), { config: bare });
      const leftover = async () =>
        (await operatorVerbs(scene).machines()).filter(({ leftover }) => leftover === true);
      assert.match(String((await leftover())[0]?.remarks), /i-2-42-VM has it connected/);
      await backend.removeBehind(remoteId);
      const [left, ...more] = await leftover();
      assert.deepEqual([left?.name, more], [cloud.vm.name, []]);
      assert.match(String(left?.remarks), /incus storage volume delete default/);
    }),
  );

  it(
    'doctor tells which restrictions and limits of the project are in the way, and the room of the pool',
    inScene(setUp, async (scene) => {
      const { project } = scene.backend as IncusBackend;
      const { ask } = await genuine();
      const found = async (name: string) =>
        (await examine(scene))?.find((check) => check.name.startsWith(name));
      assert.equal((await found('project'))?.state, 'ok');
      assert.match((await found('storage default'))?.found ?? '', /^dir, \d+ of \d+ GiB free$/);
      const { config } = (await ask('GET', `/1.0/projects/${project}`)) as {
        readonly config: Readonly<Record<string, string>>;
      };
      // Only a project with profiles of its own can be restricted.
      const strict = {
        ...{ 'features.profiles': 'true', restricted: 'true' },
        ...{ 'limits.instances': '0', 'limits.containers': '5' },
      };
      await ask('PUT', `/1.0/projects/${project}`, { config: { ...config, ...strict } });
      const refuses = await found('project');
      assert.equal(refuses?.state, 'fail');
      assert.match(refuses?.found ?? '', /refuses NICs on bridges, snapshots$/);
      const advice = `incus project set ${project} restricted.devices.nic=allow restricted.snapshots=allow`;
      assert.equal(refuses?.advice, advice);
      const limits = await found('limits');
      assert.deepEqual([limits?.state, limits?.found], ['warn', 'instances 0 of 0']);
    }),
  );
}
