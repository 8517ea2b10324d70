import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FakeMachine } from '../../fakes/maas/machine.ts';
import { runCommand } from '../../src/commands/run.ts';
import { installation } from '../conformance/cloud.ts';
import { inMaas, type MaasScene } from '../providers/maas/scene.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Audited {
  readonly code: number;
  /** As an operator reads them, with one blank for the space between the columns. */
  readonly lines: readonly string[];
}

/** Audits the fake MAAS for a CloudStack that has these instances in these states. */
async function audit(
  { cloud, backend }: MaasScene,
  instances: readonly { readonly state: string; readonly vm: MaasScene['cloud']['vm'] }[],
): Promise<Audited> {
  const folder = temporaryDirectory();
  const file = join(folder, 'inventory.json');
  const { host } = backend.details();
  const inventory = {
    hosts: [{ name: 'maas1', extension: { provider: 'maas', installation }, host }],
    instances: instances.map(({ state, vm }) => ({
      ...{ uuid: vm.uuid, name: vm.name, state, cpus: vm.cpus, memory_mb: vm.memoryMb },
      ...{ details: vm.details, nics: vm.nics.map(({ mac }) => ({ mac })) },
    })),
  };
  assert.equal(cloud.vm.name, 'i-2-42-VM');
  writeFileSync(file, JSON.stringify(inventory));
  const config = join(folder, 'config.json');
  writeFileSync(config, '{}');
  const env = { OUTRIGGER_CONFIG: config, HOME: folder };
  const world = createWorld({ registry: backend.registry, env });
  const code = await runCommand(['audit', '--inventory', file], world);
  assert.equal(world.complained(), '');
  const lines = world
    .printed()
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '));
  return { code, lines };
}

function claimed({ fake }: MaasScene): FakeMachine {
  const found = [...fake.world.machines.values()].find(({ agentName }) => agentName !== '');
  if (found === undefined) throw new Error('nothing is claimed');
  return found;
}

/** From the request on no call gets through, as if our process had been killed. */
async function killAt(scene: MaasScene, op: string): Promise<void> {
  let killed = false;
  scene.fake.disturb((request) => {
    killed ||= request.op === op;
    return killed ? 'lost-request' : undefined;
  });
  assert.equal((await scene.cloud.call('create', { timeoutSeconds: 2 })).exitCode, 1);
  scene.fake.disturb(undefined);
}

const own = { host: { shared_user: 'false' } } as const;

describe('an audit of MAAS', () => {
  it(
    'audit accepts a machine that is larger than the offering of its instance',
    inMaas(own, async (scene) => {
      await scene.cloud.deploy();
      const { code, lines } = await audit(scene, [{ state: 'Running', vm: scene.cloud.vm }]);
      assert.deepEqual(lines, [
        'OUTRIGGER OK - 0 findings; 1 instances, 1 machines, 1 hosts | findings=0 instances=1 machines=1',
      ]);
      assert.equal(code, 0);
    }),
  );

  it(
    'audit finds the claim of a process that was killed before it could mark it, and says how to release it',
    inMaas(own, async (scene) => {
      await killAt(scene, 'set_workload_annotations');
      const { systemId, hostname } = claimed(scene);
      const { code, lines } = await audit(scene, [{ state: 'Starting', vm: scene.cloud.vm }]);
      const [head, ...rest] = lines;
      assert.equal(
        head,
        'OUTRIGGER WARNING - 1 findings; 1 instances, 1 machines, 1 hosts | findings=1 instances=1 machines=1',
      );
      assert.equal(
        rest.join(' '),
        `warning leftover ${hostname} machine ${systemId} (${hostname}) seen by maas1: it was claimed for i-2-42-VM and never marked: stop i-2-42-VM, which gives it back, or release it in MAAS`,
      );
      assert.equal(code, 1);
      await scene.cloud.ok('stop', { state: 'Starting' });
      assert.equal((await audit(scene, [])).code, 0);
    }),
  );

  it(
    'audit tells such a claim by the record of MAAS where others work under the same user',
    inMaas({}, async (scene) => {
      await killAt(scene, 'set_workload_annotations');
      scene.fake.add({ status: 'allocated', owner: 'cloudstack' });
      const { lines } = await audit(scene, []);
      assert.match(lines[0] ?? '', /^OUTRIGGER WARNING - 1 findings; 0 instances, 2 machines/);
      assert.match(lines[1] ?? '', new RegExp(`^warning leftover ${claimed(scene).hostname} `));
    }),
  );

  it(
    'audit finds claims of which nothing is known under a user of our own',
    inMaas(own, async (scene) => {
      const { hostname } = scene.fake.add({ status: 'allocated', owner: 'cloudstack' });
      scene.fake.add({ status: 'allocated', owner: 'juju' });
      const { code, lines } = await audit(scene, []);
      assert.match(
        lines.join(' '),
        new RegExp(`leftover ${hostname} .* claimed for no instance that`),
      );
      assert.equal(code, 1);
    }),
  );

  it(
    'audit says nothing of a claim that is marked while it looks',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      await killAt(scene, 'set_workload_annotations');
      fake.disturb(({ op }) => {
        if (op === '') return undefined;
        fake.disturb(undefined);
        void cloud.ok('prepare');
        return undefined;
      });
      const { lines } = await audit(scene, [{ state: 'Starting', vm: cloud.vm }]);
      assert.match(lines[0] ?? '', /^OUTRIGGER OK/);
    }),
  );

  it(
    'audit shows a failed erase as long as it is not mended, and nothing of one that goes well',
    inMaas(
      { host: { erase: 'full', shared_user: 'false', release_watch_seconds: '0' } },
      async (scene) => {
        const { cloud, fake, own: mine } = scene;
        await cloud.deploy();
        const machine = mine();
        Object.assign(fake.world.life.timings, { eraseMs: 60_000 });
        await cloud.ok('delete');
        assert.equal(machine.status, 'disk_erasing');
        assert.equal((await audit(scene, [])).code, 0);
        machine.status = 'failed_disk_erasing';
        machine.errorDescription = 'Erasing /dev/sda failed';
        const { code, lines } = await audit(scene, []);
        assert.equal(code, 1);
        assert.equal(lines.length, 4, lines.join('\n'));
        assert.match(
          lines.slice(1).join(' '),
          /^warning remark i-2-42-VM machine \S+ .*Failed disk erasing \(Erasing \/dev\/sda failed\): it was released, and its disks may still hold data; release it again in MAAS, with erasing$/,
        );
      },
    ),
  );

  it(
    'audit takes the erased machine of an earlier attempt for no duplicate of the one that runs',
    inMaas({ host: { erase: 'full' }, timings: { eraseMs: 60_000 } }, async (scene) => {
      const { cloud, fake, owned } = scene;
      for (const machine of fake.world.machines.values()) machine.installs = 'badly';
      assert.equal((await cloud.call('create')).exitCode, 1);
      for (const machine of fake.world.machines.values()) machine.installs = 'well';
      await cloud.ok('create');
      assert.equal(owned().length, 2);
      const { code, lines } = await audit(scene, [{ state: 'Running', vm: cloud.vm }]);
      assert.match(lines[0] ?? '', /^OUTRIGGER OK/);
      assert.equal(code, 0);
    }),
  );

  it(
    'audit finds an instance whose machine is gone, and one whose machine has another',
    inMaas({}, async (scene) => {
      const { cloud, own: mine } = scene;
      await cloud.deploy();
      const other = cloud.another();
      const { code, lines } = await audit(scene, [{ state: 'Running', vm: other.vm }]);
      assert.equal(code, 2);
      const text = lines.join(' ');
      assert.match(text, new RegExp(`critical missing ${other.vm.name} CloudStack says Running`));
      assert.match(text, new RegExp(`warning orphan i-2-42-VM machine ${mine().systemId} `));
    }),
  );

  it(
    'audit exits with UNKNOWN when the key may not see the machines',
    inMaas({}, async (scene) => {
      await scene.cloud.deploy();
      await scene.backend.withdrawRights(true);
      const { code, lines } = await audit(scene, [{ state: 'Running', vm: scene.cloud.vm }]);
      assert.equal(code, 3);
      assert.match(
        lines[1] ?? '',
        /^unknown unreachable-host maas1 The API key is the one of juju/,
      );
    }),
  );
});
