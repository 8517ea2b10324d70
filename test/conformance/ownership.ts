import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Provider } from '../../src/contract/provider.ts';
import { readMark } from '../../src/lifecycle/mark.ts';
import { admin, alice, type HostDetails, system } from '../support/payloads.ts';
import type { Done } from '../support/world.ts';
import type { Backend, RemoteMachine, SetUp } from './backend.ts';
import { type Cloud, has, inScene, knows } from './cloud.ts';
import { canPoint, doEverything, markOf, parametersFor, pointAt } from './machine.ts';

async function byId(backend: Backend, remoteId: string): Promise<RemoteMachine> {
  const found = (await backend.machines()).find((machine) => machine.remoteId === remoteId);
  assert.ok(found, `machine ${remoteId} is gone`);
  return found;
}

/** Runs everything and demands that what stands there afterwards is what stood there before. */
async function assertUntouched(backend: Backend, work: () => Promise<unknown>): Promise<void> {
  const before = await backend.machines();
  await work();
  assert.deepEqual(await backend.machines(), before);
}

/** Whether a machine without a mark can become an instance's while CloudStack asks for something. */
function mayTakeOver(t: TestContext, provider: Provider): boolean {
  return knows(t, provider, { settings: ['adopt_unmarked'] }) && canPoint(t, provider);
}

export function ownershipCases(setUp: SetUp): void {
  it(
    'another instance’s machine is never touched or shown, although the details point at it',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!canPoint(t, provider)) return;
      const victim = cloud.another();
      await victim.deploy();
      pointAt(cloud, provider, (await victim.machine()).remoteId);
      await assertUntouched(backend, async () => {
        for (const { action, exitCode, text } of await doEverything(cloud, provider)) {
          const isDone = action === 'stop' || action === 'delete';
          assert.equal(exitCode, isDone ? 0 : 1, `${action}: ${text}`);
        }
      });
    }),
  );

  it(
    'an instance whose details point at another’s machine gets one of its own',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!canPoint(t, provider)) return;
      const victim = cloud.another();
      await victim.deploy();
      const before = await victim.machine();
      pointAt(cloud, provider, before.remoteId);
      await cloud.ok('create');
      assert.notEqual((await cloud.machine()).remoteId, before.remoteId);
      for (const action of ['reboot', 'stop', 'delete']) await cloud.ok(action);
      assert.deepEqual(await victim.machine(), before);
    }),
  );

  it(
    'a machine of another installation is invisible, even with this instance’s UUID and name',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      // A mark that names this installation shows that its id is right.
      await cloud.another().deploy();
      const mark = markOf(cloud, { installation: 'another-cloud' });
      const remoteId = await backend.plant({ name: cloud.vm.name, mark, power: 'on' });
      pointAt(cloud, provider, remoteId);
      await assertUntouched(backend, () => doEverything(cloud, provider));
      const before = await byId(backend, remoteId);
      await cloud.ok('create');
      assert.deepEqual(await byId(backend, remoteId), before);
      assert.equal(
        (await backend.machines()).filter((m) => m.mark.includes(cloud.vm.uuid)).length,
        2,
      );
    }),
  );

  it(
    'an installation that no mark names beside those of another is in doubt: nothing is changed, off or gone',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      const mark = markOf(cloud, { installation: 'as-it-was' });
      const remoteId = await backend.plant({ name: cloud.vm.name, mark, power: 'on' });
      pointAt(cloud, provider, remoteId);
      await assertUntouched(backend, async () => {
        for (const { action, exitCode, document, text } of await doEverything(cloud, provider)) {
          if (action === 'status') assert.equal(document['power_state'], 'PowerUnknown', text);
          else assert.equal(exitCode, 1, `${action} has to refuse: ${text}`);
        }
        assert.equal((await cloud.call('create')).exitCode, 1);
        const { exitCode, document } = await cloud.call('statuses');
        assert.equal(exitCode, 1);
        assert.match(String(document['error']), /marked by as-it-was, and none by installation/);
      });
    }),
  );

  it(
    'a copy is exposed: while two machines carry the mark, nothing is changed',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!has(t, backend, 'copy')) return;
      await cloud.deploy();
      await backend.copy((await cloud.machine()).remoteId);
      await assertUntouched(backend, async () => {
        for (const { action, exitCode, document } of await doEverything(cloud, provider)) {
          if (action === 'status') assert.equal(document['power_state'], 'PowerUnknown');
          else assert.equal(exitCode, 1, `${action} has to refuse`);
        }
        assert.equal((await cloud.call('create')).exitCode, 1);
      });
    }),
  );

  it(
    'a copy that is left alone is no more the instance’s machine than before',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!has(t, backend, 'copy')) return;
      await cloud.deploy();
      const { remoteId } = await cloud.machine();
      const copy = await backend.copy(remoteId);
      await backend.removeBehind(remoteId);
      pointAt(cloud, provider, copy);
      await assertUntouched(backend, async () => {
        for (const { action, exitCode, document } of await doEverything(cloud, provider)) {
          if (action === 'status') assert.notEqual(document['power_state'], 'PowerOff');
          else assert.equal(exitCode, 1, `${action} has to refuse`);
        }
        assert.equal((await cloud.call('create')).exitCode, 1);
      });
    }),
  );

  it(
    'a machine that became a template is not started or deleted as the instance’s',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!has(t, backend, 'makeTemplate')) return;
      await cloud.deploy();
      await cloud.ok('stop');
      await backend.makeTemplate((await cloud.machine()).remoteId);
      await assertUntouched(backend, () => doEverything(cloud, provider));
    }),
  );

  it(
    'no action touches a machine whose mark cannot be read',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!has(t, backend, 'damage')) return;
      await cloud.deploy();
      await backend.damage((await cloud.machine()).remoteId);
      await assertUntouched(backend, () => doEverything(cloud, provider));
    }),
  );

  it(
    'a machine without a mark is refused unless the operator allows to adopt it',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      const remoteId = await backend.plant({ name: cloud.vm.name, power: 'on' });
      pointAt(cloud, provider, remoteId);
      await assertUntouched(backend, async () => {
        for (const { action, exitCode, document } of await doEverything(cloud, provider)) {
          if (action === 'status') assert.notEqual(document['power_state'], 'PowerOff');
          else assert.equal(exitCode, 1, `${action} has to refuse`);
        }
      });
    }),
  );

  const rules = {
    setting: 'the operator has not allowed it',
    name: 'its name is another one',
    hint: 'the stored id does not point at it',
    machine: 'it is a template',
    alone: 'another machine has that name too',
  };
  const allowed = { adopt_unmarked: 'true' };

  it(
    'a machine without a mark is adopted when the setting, its name and the stored id agree',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!mayTakeOver(t, provider)) return;
      const remoteId = await backend.plant({ name: cloud.vm.name, power: 'on' });
      pointAt(cloud, provider, remoteId);
      await cloud.ok('stop', { state: 'Running', caller: system, host: allowed });
      const machine = await cloud.machine();
      assert.equal(machine.power, 'off');
      assert.deepEqual(readMark(machine.mark), markOf(cloud, { origin: 'adopted' })(remoteId));
      // From now on the mark does, without the setting.
      await cloud.ok('start');
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  for (const [missing, because] of Object.entries(rules)) {
    it(
      `a machine without a mark is not adopted when ${because}`,
      inScene(setUp, async ({ cloud, provider, backend }, t) => {
        if (!mayTakeOver(t, provider)) return;
        if (missing === 'machine' && !has(t, backend, 'makeTemplate')) return;
        const remoteId = await backend.plant({
          name: missing === 'name' ? `${cloud.vm.name}-old` : cloud.vm.name,
          power: missing === 'machine' ? 'off' : 'on',
          template: missing === 'machine',
        });
        if (missing === 'alone') await backend.plant({ name: cloud.vm.name });
        if (missing !== 'hint') pointAt(cloud, provider, remoteId);
        const host = missing === 'setting' ? {} : allowed;
        await assertUntouched(backend, () =>
          doEverything(cloud, provider, { caller: admin, host }),
        );
      }),
    );
  }

  it(
    'status, statuses, prepare and the reading actions adopt no machine',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!mayTakeOver(t, provider)) return;
      pointAt(cloud, provider, await backend.plant({ name: cloud.vm.name, power: 'on' }));
      await assertUntouched(backend, async () => {
        await cloud.ok('status', { host: allowed });
        await cloud.call('statuses', { host: allowed });
        await cloud.call('getconsole', { host: allowed });
        await cloud.call('prepare', { host: allowed });
        for (const name of ['ListSnapshots', 'GetIpAddresses']) {
          await cloud.custom(name, undefined, { host: allowed });
        }
      });
    }),
  );

  it(
    'delete releases an adopted machine: unmarked, stopped and kept',
    inScene(setUp, async (scene) => {
      const { cloud, backend } = scene;
      const mark = markOf(cloud, { origin: 'adopted' });
      const remoteId = await backend.plant({ name: cloud.vm.name, mark, power: 'on' });
      await cloud.ok('delete');
      const machine = await byId(backend, remoteId);
      assert.equal(readMark(machine.mark), undefined);
      assert.equal(machine.power, 'off');
    }),
  );

  it(
    'delete removes an adopted machine when the operator’s setting says so',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!knows(t, provider, { settings: ['delete_adopted'] })) return;
      const before = await backend.machines();
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { origin: 'adopted' }) });
      await cloud.ok('delete', { host: { delete_adopted: 'true' } });
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'an answer to a tenant names no other tenant, and one to an administrator everything',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      const other = cloud.another();
      await other.deploy();
      await cloud.deploy();
      if (provider.actions['GetIpAddresses'] !== undefined) {
        const { text } = await cloud.custom('GetIpAddresses', undefined, { caller: alice });
        for (const { mac } of (await other.machine()).nics) assert.ok(!text.includes(mac), text);
      }
      const twin = await backend.plant({ name: cloud.vm.name, mark: markOf(cloud) });
      const ids = (await backend.machines()).map(({ remoteId }) => remoteId);
      pointAt(cloud, provider, (await other.machine()).remoteId);
      const shown = (done: readonly (Done & { action: string })[]) =>
        done.filter(({ action }) => !['start', 'stop', 'status'].includes(action));
      for (const { action, text } of shown(
        await doEverything(cloud, provider, { caller: alice }),
      )) {
        for (const word of [...ids, other.vm.name, other.vm.uuid]) {
          assert.ok(!text.includes(word), `${action} tells a tenant about ${word}: ${text}`);
        }
        assert.match(text, /ref r-/);
      }
      const { text } = await cloud.call('reboot', { caller: admin });
      assert.ok(text.includes(twin), 'an administrator is told which machines they are');
    }),
  );

  it(
    'an answer to a tenant about his own instance names neither its machine nor its place',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      const places = placesIn(backend.details());
      const read = async (when: string): Promise<void> => {
        const ids = (await backend.machines()).map(({ remoteId }) => remoteId);
        const words = [...places, ...ids.filter((id) => id.length > 4)];
        const done = await refusals(cloud, provider);
        for (const { action, text } of done) {
          const told = words.find((word) => text.includes(word));
          assert.equal(told, undefined, `${when}, ${action} tells a tenant: ${text}`);
        }
      };
      await read('without a machine');
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      await read('partial');
      await cloud.ok('create');
      await cloud.ok('stop');
      await read('stopped');
      if (backend.protect !== undefined) {
        await backend.protect((await cloud.machine()).remoteId);
        const { text } = await cloud.call('delete', { caller: alice });
        for (const word of places) assert.ok(!text.includes(word), text);
      }
      await backend.outage(true);
      await read('in an outage');
      await backend.outage(false);
    }),
  );
}

/** The values with which an operator says where the system is: addresses, users and nodes, no switches. */
function placesIn({ extension, resourcemap, host }: HostDetails): readonly string[] {
  const values = Object.values({ ...extension, ...resourcemap, ...host });
  return values.filter((value) => /[a-z]/i.test(value) && !/^(..?|true|false)$/.test(value));
}

/** The answers to a tenant whose actions are refused and remove nothing. */
async function refusals(cloud: Cloud, provider: Provider) {
  const done = [{ action: 'reboot', ...(await cloud.call('reboot', { caller: alice })) }];
  for (const action of Object.keys(provider.actions)) {
    const parameters = parametersFor(cloud, provider, action);
    done.push({ action, ...(await cloud.custom(action, parameters, { caller: alice })) });
  }
  return done.filter(({ exitCode }) => exitCode === 1);
}
