import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../src/failure.ts';
import { readMark } from '../../src/kit/mark.ts';
import type { Instance } from '../../src/provider.ts';
import type { Cloud } from './conformance-cloud.ts';
import { inMaas, sessionOf } from './maas-scene.ts';

function instanceOf({ vm }: Cloud): Instance {
  const { 'External:maas_system_id': id } = vm.details;
  const stored = id === undefined ? {} : { 'External:maas_system_id': id };
  return { uuid: vm.uuid, name: vm.name, deploying: false, stored };
}

describe('adopt', () => {
  it(
    'takes a machine of the built-in extension over, and delete gives it back stopped',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack', powered: true });
      cloud.change({ details: { 'External:maas_system_id': machine.systemId } });
      const session = await sessionOf(scene);
      await session.adopt?.(machine.systemId, instanceOf(cloud));
      const mark = readMark(machine.annotations['outrigger'] ?? '');
      assert.ok(typeof mark === 'object' && mark.origin === 'adopted');
      await cloud.ok('stop');
      assert.equal(machine.powered, false);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOff');
      await cloud.ok('start');
      assert.equal(machine.powered, true);
      await cloud.ok('delete');
      assert.deepEqual(
        [machine.status, machine.powered, machine.annotations],
        ['deployed', false, {}],
      );
    }),
  );

  it(
    'refuses machines that are marked, not deployed or a second one',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      const session = await sessionOf(scene);
      const refuses = async (id: string, why: RegExp): Promise<void> => {
        const work = session.adopt?.(id, instanceOf(cloud)) ?? Promise.resolve();
        await assert.rejects(work, (error) => error instanceof Failure && why.test(error.message));
      };
      const ready = fake.add();
      await refuses(ready.systemId, /not deployed/);
      const other = cloud.another();
      await other.ok('create');
      const { systemId } = [...fake.world.machines.values()].find(
        ({ agentName }) => agentName === other.vm.uuid,
      ) as { systemId: string };
      await refuses(systemId, /carries a mark already/);
      await cloud.ok('create');
      const theirs = fake.add({ status: 'deployed', owner: 'cloudstack' });
      await refuses(theirs.systemId, new RegExp(`has machine ${own().systemId}`));
      assert.deepEqual(theirs.annotations, {});
    }),
  );
});

describe('the list for audits', () => {
  it(
    'has every machine of everybody, with what is the matter with it',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const stuck = fake.add({
        status: 'failed_disk_erasing',
        owner: 'cloudstack',
        errorDescription: 'wiping failed',
      });
      fake.add({ status: 'deployed', owner: 'juju' });
      const listed = (await (await sessionOf(scene)).machines?.()) ?? [];
      assert.deepEqual(
        listed.map(({ remoteId, power, remarks }) => ({ remoteId, power, remarks })),
        [
          { remoteId: own().systemId, power: 'on', remarks: [] },
          {
            remoteId: stuck.systemId,
            power: 'unknown',
            remarks: [
              'Failed disk erasing',
              'was given back; its disks may still hold data',
              'wiping failed',
            ],
          },
        ],
      );
    }),
  );
});
