import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { admin } from '../support/payloads.ts';
import type { DataDisk, SetUp } from './backend.ts';
import { forGood, once } from './break.ts';
import { type Cloud, has, inScene, knows, type Scene } from './cloud.ts';
import { atEveryChange, type Struck } from './strike.ts';

const diskActions = ['ListDisks', 'AddDisk', 'DetachDisk', 'AttachDisk', 'DeleteDisk'];
const asAdmin = { caller: admin };

/** Plays a case for providers that offer data disks. */
function withDisks(
  setUp: SetUp,
  play: (scene: Scene, t: TestContext) => Promise<void>,
): (t: TestContext) => Promise<void> {
  return inScene(setUp, async (scene, t) => {
    if (knows(t, scene.provider, { actions: diskActions, settings: ['max_disks'] })) {
      await play(scene, t);
    }
  });
}

export async function dataDisksOf(cloud: Cloud): Promise<readonly DataDisk[]> {
  const { dataDisks } = await cloud.machine();
  assert.ok(dataDisks, 'the backend shows no data disks, and the provider offers them');
  return dataDisks;
}

/** Adds a disk and answers the backend's view of it. */
async function add(cloud: Cloud, size_gb = 1): Promise<DataDisk> {
  const before = new Set((await dataDisksOf(cloud)).map(({ name }) => name));
  await cloud.okCustom('AddDisk', { size_gb }, asAdmin);
  const [added, ...more] = (await dataDisksOf(cloud)).filter(({ name }) => !before.has(name));
  assert.ok(added !== undefined && more.length === 0, 'one disk was added');
  return added;
}

function choose(cloud: Cloud, data_disks: string): void {
  cloud.change({ details: { ...cloud.vm.details, 'External:data_disks': data_disks } });
}

export function diskCases(setUp: SetUp, skipBreaks?: string): void {
  const breaking = { skip: skipBreaks ?? false };

  for (const power of ['on', 'off'] as const) {
    it(
      `a disk is added, detached, attached again and deleted while the instance is ${power}`,
      withDisks(setUp, async ({ cloud }) => {
        await cloud.deploy();
        if (power === 'off') await cloud.ok('stop');
        const { name, attached, gib, content } = await add(cloud, 2);
        assert.deepEqual([attached, gib], [true, 2]);
        for (const [action, isAttached] of [
          ['DetachDisk', false],
          ['DetachDisk', false],
          ['AttachDisk', true],
          ['AttachDisk', true],
        ] as const) {
          await cloud.okCustom(action, { disk: name }, asAdmin);
          const [disk, ...more] = await dataDisksOf(cloud);
          assert.deepEqual(disk, { name, attached: isAttached, gib, content }, action);
          assert.equal(more.length, 0);
          assert.ok((await cloud.okCustom('ListDisks', undefined, asAdmin)).text.includes(name));
        }
        await cloud.okCustom('DetachDisk', { disk: name }, asAdmin);
        await cloud.okCustom('DeleteDisk', { disk: name, confirm: cloud.vm.name }, asAdmin);
        assert.deepEqual(await dataDisksOf(cloud), []);
        assert.equal((await cloud.machine()).power, power);
      }),
    );
  }

  it(
    'an instance is made with the data disks of its details, and no later action makes them again',
    withDisks(setUp, async ({ cloud }) => {
      choose(cloud, '1,2');
      await cloud.deploy();
      const made = await dataDisksOf(cloud);
      assert.deepEqual(
        made.map(({ attached, gib }) => [attached, gib]),
        [
          [true, 1],
          [true, 2],
        ],
      );
      await cloud.ok('create');
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.deepEqual(await dataDisksOf(cloud), made);
    }),
  );

  it(
    'a disk that is attached, or that boots the instance, is not deleted',
    withDisks(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { name } = await add(cloud);
      const { all } = await cloud.machine();
      const listed = (await cloud.okCustom('ListDisks', undefined, asAdmin)).text;
      const root = /"Use":"root".*?"Disk":"([^"]+)"/.exec(listed)?.[1];
      assert.ok(root, listed);
      for (const disk of [name, root]) {
        const given = { disk, confirm: cloud.vm.name };
        assert.equal((await cloud.custom('DeleteDisk', given, asAdmin)).exitCode, 1, disk);
      }
      assert.equal((await cloud.custom('DetachDisk', { disk: root }, asAdmin)).exitCode, 1);
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'a detached disk is neither attached to another instance nor deleted by its actions',
    withDisks(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { name } = await add(cloud);
      await cloud.okCustom('DetachDisk', { disk: name }, asAdmin);
      const before = await cloud.machine();
      const other = cloud.another();
      await other.deploy();
      const { all } = await other.machine();
      // The name may be the same in every instance: an own disk of that name is not meant here.
      for (const action of ['AttachDisk', 'DeleteDisk', 'ResizeDisk', 'DetachDisk']) {
        const given = { disk: name, size_gb: 9, confirm: other.vm.name };
        assert.equal((await other.custom(action, given, asAdmin)).exitCode, 1, action);
      }
      assert.deepEqual(await cloud.machine(), before);
      assert.equal((await other.machine()).all, all);
    }),
  );

  it(
    'the operator limits how many data disks there are, how large, and where',
    withDisks(setUp, async ({ cloud, provider, backend }) => {
      const before = await backend.machines();
      const limits = { max_disks: '1', max_disk_gb: '100' };
      for (const [data_disks, host, limit] of [
        ['1,1', limits, /max_disks/],
        ['1', { ...limits, max_disks: '0' }, /max_disks/],
        ['101', limits, /max_disk_gb/],
        ...(provider.settings['allowed_storages'] === undefined
          ? []
          : ([
              ['1@gold', { ...limits, allowed_storages: 'silver-*' }, /allowed_storages/],
            ] as const)),
      ] as const) {
        choose(cloud, data_disks);
        const { exitCode, text } = await cloud.call('create', { host });
        assert.equal(exitCode, 1, data_disks);
        assert.match(text, limit);
      }
      assert.deepEqual(await backend.machines(), before);
      choose(cloud, '');
      await cloud.deploy();
      const options = { ...asAdmin, host: limits };
      assert.equal((await cloud.custom('AddDisk', { size_gb: 101 }, options)).exitCode, 1);
      await cloud.okCustom('AddDisk', { size_gb: 1 }, options);
      assert.equal((await cloud.custom('AddDisk', { size_gb: 1 }, options)).exitCode, 1);
      assert.equal((await dataDisksOf(cloud)).length, 1);
    }),
  );

  it(
    'a data disk grows, and never gets smaller',
    withDisks(setUp, async ({ cloud }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      const { name, content } = await add(cloud, 2);
      await cloud.okCustom('ResizeDisk', { disk: name, size_gb: 3 }, asAdmin);
      const smaller = { disk: name, size_gb: 2 };
      assert.equal((await cloud.custom('ResizeDisk', smaller, asAdmin)).exitCode, 1);
      assert.deepEqual(await dataDisksOf(cloud), [{ name, content, gib: 3, attached: true }]);
    }),
  );

  it(
    'Reinstall makes the root disk anew and leaves data disks alone, attached and detached',
    withDisks(setUp, async ({ cloud, provider, backend }, t) => {
      if (!knows(t, provider, { actions: ['Reinstall'] })) return;
      if (!has(t, backend, 'changeDataDisk')) return;
      const { reinstall } = backend.lacks;
      if (reinstall !== undefined) return t.skip(reinstall);
      await cloud.deploy();
      await add(cloud);
      const { name } = await add(cloud);
      await backend.changeDataDisk((await cloud.machine()).remoteId, name);
      await cloud.okCustom('DetachDisk', { disk: name }, asAdmin);
      // Else a disk that was made anew from the same image could not be told from the old one.
      await backend.changeDisk?.((await cloud.machine()).remoteId);
      const before = await cloud.machine();
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.uuid }, asAdmin);
      const after = await cloud.machine();
      assert.notEqual(after.disk, before.disk);
      // The old root disk may have been kept aside too.
      const names = new Set(before.dataDisks?.map((disk) => disk.name));
      const kept = after.dataDisks?.filter((disk) => names.has(disk.name));
      assert.deepEqual(kept, before.dataDisks);
    }),
  );

  it(
    'RestoreSnapshot keeps a younger disk attached, and one that was detached since detached',
    withDisks(setUp, async ({ cloud, provider, backend }, t) => {
      if (!knows(t, provider, { actions: ['CreateSnapshot', 'RestoreSnapshot'] })) return;
      if (!has(t, backend, 'changeDataDisk')) return;
      await cloud.deploy();
      const old = await add(cloud);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'before' });
      const detached = await cloud.custom('DetachDisk', { disk: old.name }, asAdmin);
      // Not every system can part with a disk that a snapshot holds.
      if (detached.exitCode !== 0) assert.match(detached.text, /snapshot/);
      const younger = await add(cloud);
      await backend.changeDataDisk((await cloud.machine()).remoteId, younger.name);
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'before' });
      const now = await cloud.machine();
      assert.equal(now.power, 'on');
      assert.deepEqual(
        now.dataDisks?.map(({ name, attached }) => [name, attached]).sort(),
        [
          [old.name, detached.exitCode !== 0],
          [younger.name, true],
        ].sort(),
      );
      const content = now.dataDisks?.find(({ name }) => name === younger.name)?.content;
      assert.match(content ?? '', /written over/, 'a disk that no snapshot holds stays as it is');
    }),
  );

  it(
    'deleting the instance deletes all of its disks, unless the operator wants detached ones kept',
    withDisks(setUp, async ({ cloud, provider, backend }, t) => {
      if (!knows(t, provider, { settings: ['delete_detached_disks'] })) return;
      if (!has(t, backend, 'dataDisks')) return;
      const before = await backend.dataDisks();
      await cloud.deploy();
      await add(cloud);
      const { name } = await add(cloud);
      await cloud.okCustom('DetachDisk', { disk: name }, asAdmin);
      await cloud.ok('stop');
      const { all } = await cloud.machine();
      const host = { delete_detached_disks: 'false' };
      assert.equal((await cloud.call('delete', { host })).exitCode, 1);
      assert.equal((await cloud.machine()).all, all);
      await cloud.ok('delete');
      assert.deepEqual(await backend.dataDisks(), before);
    }),
  );

  it(
    'two disks that are added at once are two disks, and no more than the operator allows',
    withDisks(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.taskMs?.(50);
      const atOnce = (max_disks: string) =>
        Promise.all(
          [1, 2].map((size_gb) =>
            cloud.custom('AddDisk', { size_gb }, { ...asAdmin, host: { max_disks } }),
          ),
        );
      for (const [max, succeeded, total] of [
        ['2', 2, 2],
        ['3', 1, 3],
      ] as const) {
        const done = await atOnce(max);
        const fine = done.filter(({ exitCode }) => exitCode === 0);
        assert.equal(fine.length, succeeded, done.map(({ text }) => text).join('\n'));
        const disks = await dataDisksOf(cloud);
        assert.equal(disks.filter(({ attached }) => attached).length, total);
        assert.equal(disks.length, total);
      }
    }),
  );

  it(
    'an AddDisk that breaks off at any change loses no disk, and the next one works',
    breaking,
    unlessWithout(setUp, {
      action: 'AddDisk',
      breaks: [forGood, once],
      first: (cloud) => cloud.deploy(),
      parameters: async () => ({ size_gb: 1 }),
      async after(struck) {
        const { cloud, succeeded } = struck;
        const there = (await dataDisksOf(cloud)).length;
        if (succeeded) assert.equal(there, 1);
        else assert.ok(there <= 1);
        await assertNoneLoose(struck);
        await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
        assert.equal((await dataDisksOf(cloud)).length, there + 1);
      },
    }),
  );

  it(
    'a DetachDisk that breaks off at any change keeps the disk, and the next one works',
    breaking,
    unlessWithout(setUp, {
      action: 'DetachDisk',
      breaks: [forGood, once],
      first: withOne,
      parameters: async (cloud) => ({ disk: await nameOfOne(cloud) }),
      async after(struck) {
        const { cloud } = struck;
        const disk = await nameOfOne(cloud);
        await assertNoneLoose(struck);
        for (const action of ['DetachDisk', 'AttachDisk']) {
          await cloud.okCustom(action, { disk }, asAdmin);
        }
      },
    }),
  );

  it(
    'a DeleteDisk that breaks off at any change is finished by the next one',
    breaking,
    unlessWithout(setUp, {
      action: 'DeleteDisk',
      breaks: [forGood, once],
      async first(cloud) {
        await withOne(cloud);
        await cloud.okCustom('DetachDisk', { disk: await nameOfOne(cloud) }, asAdmin);
      },
      parameters: async (cloud) => ({ disk: await nameOfOne(cloud), confirm: cloud.vm.name }),
      async after(struck) {
        const { cloud } = struck;
        await assertNoneLoose(struck);
        const [left] = await dataDisksOf(cloud);
        if (left === undefined) return;
        const given = { disk: left.name, confirm: cloud.vm.name };
        await cloud.okCustom('DeleteDisk', given, asAdmin);
        assert.deepEqual(await dataDisksOf(cloud), []);
      },
    }),
  );
}

/** Plays it only for providers that offer data disks. */
function unlessWithout(
  setUp: SetUp,
  plot: Parameters<typeof atEveryChange>[1],
): (t: TestContext) => Promise<void> {
  return async (t) => {
    let offers = false;
    await inScene(setUp, async ({ provider }) => {
      offers = knows(t, provider, { actions: diskActions, settings: ['max_disks'] });
    })(t);
    if (offers) await atEveryChange(setUp, plot)(t);
  };
}

async function withOne(cloud: Cloud): Promise<void> {
  await cloud.deploy();
  await add(cloud);
}

async function nameOfOne(cloud: Cloud): Promise<string> {
  const [disk, ...more] = await dataDisksOf(cloud);
  assert.ok(disk !== undefined && more.length === 0, 'there has to be one disk');
  return disk.name;
}

/** Every disk of the instance that there is on the system is one that its machine has or keeps. */
async function assertNoneLoose({ backend, cloud }: Struck): Promise<void> {
  const { remoteId } = await cloud.machine();
  const names = new Set((await dataDisksOf(cloud)).map(({ name }) => name));
  const all = (await backend.dataDisks?.()) ?? [];
  const loose = all.filter((each) => each.machine === remoteId && !names.has(each.name));
  assert.deepEqual(loose, []);
}
