import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import { readMark } from '../../../src/lifecycle/mark.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin, type Details } from '../../support/payloads.ts';
import { formOf, inMaas, requests } from './scene.ts';

const choose = (cloud: Cloud, details: Readonly<Record<string, string>>): void => {
  const external = Object.entries(details).map(([key, value]) => [`External:${key}`, value]);
  cloud.change({ details: { ...cloud.vm.details, ...Object.fromEntries(external) } });
};

describe('prepare on MAAS', () => {
  it(
    'claims the machine in one step and marks it at once',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.ok('prepare');
      const machine = own();
      assert.equal(machine.status, 'allocated');
      assert.equal(machine.agentName, cloud.vm.uuid);
      const mark = readMark(machine.annotations['outrigger'] ?? '');
      assert.ok(typeof mark === 'object' && mark.state === 'building');
      const changes = requests(fake).filter((request) => request.startsWith('POST'));
      assert.deepEqual(changes, [
        'POST /machines/?op=allocate',
        'POST /machines/ID/?op=set_workload_annotations',
      ]);
      assert.equal(fake.connections(), 1);
    }),
  );

  it(
    'hands back what CloudStack has to know of the machine',
    inMaas({ host: { interfaces: 'boot,eno2' } }, async ({ cloud, fake, own }) => {
      for (const machine of fake.world.machines.values()) {
        const [second] = machine.interfaces;
        Object.assign(second ?? {}, { mode: 'static', ip: '10.2.9.9' });
      }
      const { document } = await cloud.ok('prepare');
      const { systemId, hostname, interfaces } = own();
      const [second, boot] = interfaces;
      assert.deepEqual(document['details'], {
        'External:maas_system_id': systemId,
        'External:maas_chosen': systemId,
        'External:hostname': hostname,
        'External:mac_address': boot?.mac,
      });
      const [nic0, nic1] = cloud.vm.nics;
      assert.deepEqual(document['nics'], [
        { nicUuid: nic0?.uuid, mac: boot?.mac },
        { nicUuid: nic1?.uuid, mac: second?.mac, ip: '10.2.9.9' },
      ]);
      const quiet = await cloud.ok('prepare', { host: { hand_back_addresses: 'false' } });
      assert.doesNotMatch(quiet.text, /10\.2\.9\.9/);
    }),
  );

  it(
    'hands back the address of the machine’s console where the operator wants a button for it',
    inMaas(
      {
        host: {
          console_url: 'https://c.example.org/{system_id}/{hostname}?for={name}',
          console_button: 'administrators',
        },
      },
      async ({ cloud, own }) => {
        const { document } = await cloud.ok('prepare');
        const { systemId, hostname } = own();
        assert.equal(
          (document['details'] as Details)['External:console_url'],
          `https://c.example.org/${systemId}/${hostname}?for=${cloud.vm.name}`,
        );
      },
    ),
  );

  it(
    'may be repeated and stays with its machine',
    inMaas({}, async ({ cloud, own, owned }) => {
      await cloud.ok('prepare');
      const { systemId } = own();
      await cloud.ok('prepare');
      assert.equal(own().systemId, systemId);
      assert.equal(owned().length, 1);
    }),
  );

  it(
    'asks for what the offering, the operator and the instance want',
    inMaas(
      { host: { match_offering: 'true', exclude_tags: 'reserved', require_tags: 'cloud' } },
      async ({ cloud, fake, own }) => {
        const fit = fake.add({ tags: ['cloud', 'gpu'], pool: 'big', zone: 'rack-2', cpus: 64 });
        fake.add({ tags: ['cloud', 'gpu', 'reserved'], pool: 'big', zone: 'rack-2' });
        fake.add({ tags: ['slow'] });
        choose(cloud, {
          pool: 'big',
          zone: 'rack-2',
          tags: 'gpu,cloud',
          architecture: 'amd64',
          storage: 'root:100,data:200',
          not_tags: 'slow',
        });
        cloud.change({ cpus: 16, memoryMb: 16_384 });
        await cloud.ok('prepare');
        assert.equal(own().systemId, fit.systemId);
        const form = formOf(fake, 'allocate');
        assert.deepEqual(Object.fromEntries(form), {
          pool: 'big',
          zone: 'rack-2',
          arch: 'amd64',
          storage: 'root:100,data:200',
          cpu_count: '16',
          mem: '16384',
          tags: 'gpu',
          not_tags: 'slow',
          agent_name: cloud.vm.uuid,
          comment: `CloudStack instance ${cloud.vm.name}`,
        });
        assert.deepEqual(form.getAll('tags'), ['cloud', 'gpu']);
        assert.deepEqual(form.getAll('not_tags'), ['reserved', 'slow']);
      },
    ),
  );

  it(
    'refuses with a reason when nothing fits, and claims nothing',
    inMaas({ host: { match_offering: 'true' } }, async ({ cloud, owned }) => {
      cloud.change({ cpus: 500 });
      for (const action of ['prepare', 'create']) {
        const { exitCode, text } = await cloud.call(action);
        assert.equal(exitCode, 1);
        assert.match(text, /No machine of MAAS is free and fit for i-2-42-VM.*cpu_count/);
      }
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'finds out by itself whether a claim took place whose answer was lost',
    inMaas({}, async ({ cloud, fake, own }) => {
      fake.disturb(({ op }) => (op === 'allocate' ? 'lost-answer' : undefined));
      await cloud.ok('prepare');
      assert.equal(own().status, 'allocated');
    }),
  );
});

describe('a claim in trouble', () => {
  it(
    'a claim is repeated while MAAS is busy, and its mark is written again after a lost answer',
    inMaas({}, async ({ cloud, fake, own }) => {
      let [busy, lost] = [0, 0];
      fake.disturb(({ op }) => {
        if (op === 'allocate' && busy++ === 0) return plain(503, 'address exhaustion');
        if (op === 'set_workload_annotations' && lost++ === 0) return 'lost-answer';
        return undefined;
      });
      await cloud.ok('prepare');
      assert.equal(own().status, 'allocated');
      assert.deepEqual([busy, lost], [2, 2]);
    }),
  );

  it(
    'a subnet without a free address is not waited for, and the machine is given back',
    inMaas({}, async ({ cloud, fake, owned }) => {
      const text = 'No more IPs available in subnet: 10.1.0.0/16.';
      fake.disturb(({ op }) => (op === 'deploy' ? plain(503, text) : undefined));
      const done = await cloud.call('create', { caller: admin });
      assert.equal(done.exitCode, 1);
      assert.match(done.text, /No more IPs available in subnet.*Free addresses of the subnet/);
      assert.equal(fake.seen.filter(({ op }) => op === 'deploy').length, 1);
      assert.deepEqual(owned(), []);
    }),
  );

  it(
    'a machine whose claim gets no answer before the time is up is released all the same',
    inMaas({ ready: 1 }, async ({ cloud, fake, owned }) => {
      const [machine] = fake.world.machines.values();
      fake.disturb(({ op }) => {
        if (op !== 'allocate') return undefined;
        const claimed = { status: 'allocated', owner: 'cloudstack', agentName: cloud.vm.uuid };
        Object.assign(machine ?? {}, claimed);
        return 'silence';
      });
      assert.equal((await cloud.call('create', { timeoutSeconds: 3 })).exitCode, 1);
      assert.deepEqual(owned(), []);
    }),
  );

  it(
    'a claimed machine that went to another instance before it was marked is not released',
    inMaas({ ready: 1 }, async ({ cloud, fake }) => {
      const [machine] = fake.world.machines.values();
      const other = cloud.another();
      fake.disturb(({ op }) => {
        if (op !== 'set_workload_annotations') return undefined;
        Object.assign(machine ?? {}, { agentName: other.vm.uuid });
        return plain(409, 'no');
      });
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual([machine?.status, machine?.agentName], ['allocated', other.vm.uuid]);
      assert.ok(!fake.seen.some(({ op }) => op === 'release'));
    }),
  );

  it(
    'an instance is in doubt once another program has overwritten its machine’s mark',
    inMaas({}, async ({ cloud, own, backend }) => {
      await cloud.deploy();
      own().annotations['outrigger'] = 'mine';
      const before = await backend.machines();
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
      for (const action of ['statuses', 'create', 'stop', 'delete']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      assert.deepEqual(await backend.machines(), before);
    }),
  );
});

describe('a machine that is asked for by name', () => {
  it(
    'prepare claims the machine that the details name, and no other',
    inMaas({}, async ({ cloud, fake, own, owned }) => {
      const wanted = fake.add();
      choose(cloud, { maas_system_id: wanted.systemId });
      const { document } = await cloud.ok('prepare');
      assert.equal(own().systemId, wanted.systemId);
      assert.equal(
        (document['details'] as Record<string, string>)['External:maas_chosen'],
        undefined,
      );
      const other = cloud.another();
      choose(other, { maas_system_id: wanted.systemId });
      assert.equal((await other.call('create')).exitCode, 1);
      assert.equal(owned().length, 1);
    }),
  );

  it(
    'is refused when its last deployment failed, and no other is taken in its place',
    inMaas({}, async ({ cloud, fake, owned }) => {
      const wanted = fake.add({ installs: 'badly' });
      choose(cloud, { maas_system_id: wanted.systemId });
      assert.equal((await cloud.call('create')).exitCode, 1);
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, new RegExp(`Only machines that failed lately.*${wanted.systemId}`));
      assert.deepEqual(owned(), []);
    }),
  );

  it(
    'prepare refuses a named machine that the operator does not allow',
    inMaas({ host: { allowed_machines: 'other*' } }, async ({ cloud, fake, owned }) => {
      choose(cloud, { maas_system_id: fake.add().systemId });
      const { exitCode, text } = await cloud.call('prepare');
      assert.equal(exitCode, 1);
      assert.match(text, /allowed_machines/);
      assert.equal(owned().length, 0);
    }),
  );
});

describe('many at once', () => {
  it(
    'twenty deployments on ten machines give ten instances and ten clear refusals',
    inMaas({ ready: 10, timings: { deployMs: 60 } }, async ({ cloud, fake, owned }) => {
      const clouds = [cloud];
      for (let count = 1; count < 20; count += 1) clouds.push((clouds.at(-1) ?? cloud).another());
      const done = await Promise.all(clouds.map((each) => each.call('create')));
      assert.equal(done.filter(({ exitCode }) => exitCode === 0).length, 10);
      for (const { exitCode, text } of done) {
        if (exitCode === 1) assert.match(text, /No machine of MAAS is free and fit/);
      }
      assert.equal(owned().length, 10);
      for (const machine of owned()) {
        assert.equal(machine.status, 'deployed');
        const mark = readMark(machine.annotations['outrigger'] ?? '');
        assert.ok(typeof mark === 'object' && mark.uuid === machine.agentName);
        assert.equal(mark.remoteId, machine.systemId);
      }
      assert.equal(new Set(owned().map(({ agentName }) => agentName)).size, 10);
      assert.equal(fake.seen.filter(({ op }) => op === 'deploy').length, 10);
    }),
  );

  it(
    'calls for one instance on several servers end with one machine',
    inMaas({ ready: 6, timings: { deployMs: 100 } }, async ({ cloud, own, owned }) => {
      await Promise.all([1, 2, 3, 4].map(() => cloud.ok('create')));
      assert.equal(own().status, 'deployed');
      assert.equal(owned().length, 1);
    }),
  );

  it(
    'ListMachines shows what could be claimed',
    inMaas({ host: { exclude_tags: 'reserved' } }, async ({ cloud, fake }) => {
      const shown = fake.add({ pool: 'big', tags: ['gpu'] });
      const hidden = fake.add({ pool: 'big', tags: ['reserved'] });
      await cloud.deploy();
      const { text } = await cloud.okCustom('ListMachines', { pool: 'big' }, { caller: admin });
      assert.match(text, new RegExp(`${shown.systemId}.*gpu`));
      assert.doesNotMatch(text, new RegExp(hidden.systemId));
    }),
  );
});
