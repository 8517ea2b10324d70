import assert from 'node:assert/strict';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { readDecisions } from '../../src/commands/adopt/by-hand.ts';
import { findAccount } from '../../src/commands/doctor/account.ts';
import { runCommand } from '../../src/commands/run.ts';
import { defineProvider } from '../../src/contract/provider.ts';
import { registry } from '../../src/providers/index.ts';
import { inMemory } from '../support/in-memory.ts';
import { sample } from './sample-provider.ts';
import { temporaryDirectory } from './scripts.ts';
import {
  createSimulatedHost,
  introduce,
  listed,
  nic,
  type SimulatedHost,
  uuidOf,
} from './simulated-host.ts';
import { createWorld } from './world.ts';

interface Ran {
  readonly code: number;
  readonly printed: string;
  readonly complained: string;
}

interface Scene {
  readonly cloud: FakeCloudStack;
  readonly host: SimulatedHost;
  adopt(...words: string[]): Promise<Ran>;
  audit(): Promise<Ran>;
}

async function scene(t: TestContext, details: object = { node: 'sim1' }): Promise<Scene> {
  const cloud = await startCloudStack(t);
  introduce(cloud, { sim1: details });
  const host = createSimulatedHost();
  const run = async (...words: string[]): Promise<Ran> => {
    const world = createWorld({ registry, env: { OUTRIGGER_CONFIG: host.config } });
    const code = await runCommand([...words, '--credentials', cloud.credentials()], world);
    return { code, printed: world.printed(), complained: world.complained() };
  };
  return { cloud, host, adopt: (...words) => run('adopt', ...words), audit: () => run('audit') };
}

const mac = '02:00:00:00:00:01';
const stored = { details: { simulator_id: 'a' } };

describe('adopt', () => {
  test('adopt marks the machine that name and stored id agree on, and audit then finds nothing', async (t) => {
    const { cloud, host, adopt, audit } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', stored));
    host.plant('a', { name: 'i-2-1-VM' });
    assert.equal((await audit()).code, 2);
    const { code, printed } = await adopt();
    assert.match(
      printed,
      /^machine a \(i-2-1-VM\) is marked for i-2-1-VM: the stored id and the name$/,
    );
    assert.equal(code, 0);
    assert.deepEqual(host.markOf('a'), {
      ...{ uuid: uuidOf('i-2-1-VM'), name: 'i-2-1-VM', installation: 'cs-1', remoteId: 'a' },
      ...{ state: 'built', origin: 'adopted' },
    });
    assert.equal((await audit()).code, 0);
    const again = await adopt('--plan');
    assert.match(again.printed, /Every instance has its machine/);
    assert.equal(again.code, 0);
  });

  test('adopt marks a machine of another name by its stored id and its MAC addresses', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', { ...stored, nic: [nic(mac, 5)] }));
    host.plant('a', { name: 'web server', nics: { [mac]: 5 } });
    const { code, printed } = await adopt();
    assert.equal(code, 0);
    assert.match(printed, /the stored id and all MAC addresses/);
  });

  test('adopt marks nothing for an instance that failed or is about to go', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    for (const [at, state] of ['Error', 'Destroyed', 'Expunging', 'Starting'].entries()) {
      cloud.state.machines.push(listed(`i-2-${at}-VM`, { ...stored, state }));
      host.plant(`a${at}`, { name: `i-2-${at}-VM` });
    }
    const { code, printed } = await adopt();
    assert.equal(code, 0);
    assert.match(printed, /Every instance has its machine/);
  });

  test('adopt marks nothing for an instance on a host that another extension serves', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.hosts.push({ id: 'theirs', name: 'theirs', clusterId: 'other', details: {} });
    cloud.state.machines.push(listed('i-2-1-VM', { ...stored, hostid: 'theirs' }));
    host.plant('a', { name: 'i-2-1-VM' });
    assert.match((await adopt()).printed, /Every instance has its machine/);
    assert.equal(host.markOf('a'), undefined);
  });

  test('adopt --plan shows the machines it would mark, marks nothing and exits with 3', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', stored), listed('i-2-2-VM'));
    host.plant('a', { name: 'i-2-1-VM' });
    const { code, printed } = await adopt('--plan');
    assert.equal(code, 3);
    assert.match(printed, /machine a \(i-2-1-VM\) would be marked for i-2-1-VM/);
    assert.match(printed, /i-2-2-VM is left alone: no unmarked machine has its name/);
    assert.equal(host.markOf('a'), undefined);
  });

  test('adopt marks only the instances that are named', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', stored));
    const details = { simulator_id: 'b' };
    // This host shows no NICs of the machine, which does not speak against it.
    cloud.state.machines.push(listed('i-2-2-VM', { details, nic: [nic(mac, 5)] }));
    host.plant('a', { name: 'i-2-1-VM' });
    host.plant('b', { name: 'i-2-2-VM' });
    await adopt('--vm', uuidOf('i-2-2-VM').toUpperCase());
    assert.equal(host.markOf('a'), undefined);
    assert.notEqual(host.markOf('b'), undefined);
    assert.match((await adopt('--vm', 'i-2-2-VM')).complained, /no instance "i-2-2-VM" that lacks/);
    await adopt('--vm', 'i-2-1-VM', '--vm', uuidOf('i-2-1-VM'));
    assert.notEqual(host.markOf('a'), undefined);
  });

  test('adopt --json prints the same as facts', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', stored), listed('i-2-2-VM'));
    host.plant('a', { name: 'i-2-1-VM' });
    const { adopted, undecided } = JSON.parse((await adopt('--json')).printed) as {
      adopted: { name: string; machine: object }[];
      undecided: { name: string }[];
    };
    assert.deepEqual(adopted[0]?.machine, { remoteId: 'a', name: 'i-2-1-VM' });
    assert.equal(undecided[0]?.name, 'i-2-2-VM');
  });
});

describe('adopt in doubt', () => {
  const cases: readonly (readonly [string, (scene: Scene) => void, RegExp])[] = [
    [
      'has only the name in common',
      ({ cloud, host }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('a', { name: 'i-2-1-VM', nics: { [mac]: 5 } });
      },
      /has the name, and nothing else: that may be chance/,
    ],
    [
      'is one of two',
      ({ cloud, host }) => {
        cloud.state.machines.push(listed('i-2-1-VM', stored));
        host.plant('a', { name: 'i-2-1-VM' });
        host.plant('b', { name: 'i-2-1-VM' });
      },
      /more than one machine may be it: machine a .*; machine b/,
    ],
    [
      'has other MAC addresses',
      ({ cloud, host }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { ...stored, nic: [nic(mac, 5)] }));
        host.plant('a', { name: 'i-2-1-VM', nics: { '02:00:00:00:00:09': 5 } });
      },
      /but 1 of 1 MAC addresses are not on it/,
    ],
    [
      'is stored as another one',
      ({ cloud, host }) => {
        const details = { simulator_id: 'elsewhere' };
        cloud.state.machines.push(listed('i-2-1-VM', { details, nic: [nic(mac, 5)] }));
        host.plant('a', { name: 'i-2-1-VM', nics: { [mac]: 5 } });
      },
      /but the stored id is elsewhere/,
    ],
    [
      'may be damaged',
      ({ cloud, host }) => {
        cloud.state.machines.push(listed('i-2-1-VM', stored));
        host.plant('a', { name: 'i-2-1-VM' });
        host.damage('x');
      },
      /machine x carries a mark that cannot be read/,
    ],
    [
      'is wanted by a tenant who wrote the id of a stranger',
      ({ cloud, host }) => {
        cloud.state.machines.push(listed('i-2-1-VM', stored));
        cloud.state.machines.push(listed('i-2-2-VM', { ...stored, nic: [nic(mac, 5)] }));
        host.plant('a', { name: 'i-2-1-VM', nics: { [mac]: 5 } });
      },
      /but the same machine may be another instance's/,
    ],
    [
      'is a template',
      ({ cloud, host }) => {
        cloud.state.machines.push(listed('i-2-1-VM', stored));
        host.plant('a', { name: 'i-2-1-VM', template: true });
      },
      /no unmarked machine has its name/,
    ],
  ];
  for (const [what, arrange, said] of cases) {
    test(`adopt leaves a machine alone that ${what}`, async (t) => {
      const played = await scene(t);
      arrange(played);
      const { code, printed } = await played.adopt();
      assert.equal(code, 1);
      assert.match(printed, said);
      assert.doesNotMatch(printed, /is marked for/);
      assert.equal(played.host.markOf('a'), undefined);
    });
  }

  test('adopt never touches a machine that carries a mark, of any installation', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', stored));
    host.plant('a', { name: 'i-2-1-VM', mark: { uuid: uuidOf('7'), installation: 'cs-2' } });
    assert.equal((await adopt()).code, 1);
    assert.match((await adopt('--map', 'i-2-1-VM=a')).complained, /no unmarked machine a/);
  });

  test('adopt marks nothing while a host cannot be asked', async (t) => {
    const { cloud, host, adopt } = await scene(t, { node: 'sim1', fail_actions: 'audit' });
    cloud.state.machines.push(listed('i-2-1-VM', stored));
    host.plant('a', { name: 'i-2-1-VM' });
    const { code, printed } = await adopt();
    assert.equal(code, 1);
    assert.match(printed, /i-2-1-VM is left alone: .*not all hosts could be asked: sim1 \(/);
    assert.equal(host.markOf('a'), undefined);
    const byHand = await adopt('--map', 'i-2-1-VM=a');
    assert.match(byHand.complained, /no unmarked machine a .*could not be asked: sim1/);
  });

  test('adopt is not kept back by a host of another extension and provider, nor by its instances', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    const own = cloud.state.extensions.find(({ name }) => name === 'Sim');
    assert.ok(own);
    cloud.state.extensions.push({ ...own, id: 'x2', name: 'Away', details: { provider: 'maas' } });
    const registration = { extensionId: 'x2', details: {} };
    cloud.state.clusters.push({ id: 'c2', name: 'c2', hypervisor: 'External', registration });
    cloud.state.hosts.push({ id: 'h2', name: 'away', clusterId: 'c2', details: {} });
    cloud.state.machines.push(listed('i-2-1-VM', { ...stored, hostid: 'sim1' }));
    // A stopped instance has no host, and a third extension is not served by this file.
    cloud.state.clusters.push({ id: 'c3', name: 'c3', hypervisor: 'External' });
    cloud.state.hosts.push({ id: 'h3', name: 'theirs', clusterId: 'c3', details: {} });
    cloud.state.machines.push(listed('i-2-2-VM', { state: 'Stopped' }));
    host.plant('a', { name: 'i-2-1-VM' });
    const { code, printed } = await adopt();
    assert.equal(code, 0, printed);
    assert.match(printed, /is marked for i-2-1-VM/);
    assert.doesNotMatch(printed, /i-2-2-VM/);
    assert.notEqual(host.markOf('a'), undefined);
  });

  test('adopt does not take a match for certain while another host of the same provider cannot be asked', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    const own = cloud.state.extensions.find(({ name }) => name === 'Sim');
    assert.ok(own);
    const details = { ...own.details, grace_seconds: 'long' };
    cloud.state.extensions.push({ ...own, id: 'x2', name: 'Away', details });
    const registration = { extensionId: 'x2', details: {} };
    cloud.state.clusters.push({ id: 'c2', name: 'c2', hypervisor: 'External', registration });
    cloud.state.hosts.push({ id: 'h2', name: 'away', clusterId: 'c2', details: {} });
    cloud.state.machines.push(listed('i-2-1-VM', stored));
    host.plant('a', { name: 'i-2-1-VM' });
    for (const words of [['--plan'], []]) {
      const { code, printed } = await adopt(...words);
      assert.equal(code, 1);
      assert.match(printed, /not all hosts could be asked \(away\), and a second candidate may/);
    }
    assert.equal(host.markOf('a'), undefined);
  });

  test('adopt writes no file of another user, which only its owner could read then', {
    skip: process.getuid?.() === 0 ? false : 'files of other users can only be made by root',
  }, async (t) => {
    const { cloud, host, adopt, audit } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', stored));
    host.plant('a', { name: 'i-2-1-VM' });
    const { uid } = findAccount('nobody') ?? {};
    assert.ok(uid !== undefined);
    chownSync(join(host.folder, 'state/simulator'), uid, uid);
    const { code, printed } = await adopt();
    assert.match(printed, /simulator belongs to nobody\. Run it as that user: sudo -u nobody/);
    assert.equal(code, 1);
    assert.equal(host.markOf('a'), undefined);
    assert.match((await adopt('--plan')).printed, /would be marked for i-2-1-VM/);
    assert.match((await audit()).printed, /lost-mark/);
  });

  test('adopt goes on with the other machines when one cannot be marked', async (t) => {
    const { cloud, host, adopt } = await scene(t, { node: 'sim1', fail_actions: 'adopt' });
    cloud.state.machines.push(listed('i-2-1-VM', stored));
    host.plant('a', { name: 'i-2-1-VM' });
    const { code, printed } = await adopt();
    assert.equal(code, 1);
    assert.match(printed, /The simulator failed adopt/);
  });
});

describe('adopt by an operator’s word', () => {
  test('adopt marks the machine that was named, and no other', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM'));
    cloud.state.machines.push(listed('i-2-2-VM', { details: { simulator_id: 'b' } }));
    host.plant('a', { name: 'web server' });
    host.plant('b', { name: 'i-2-2-VM' });
    const { code, printed } = await adopt('--map', 'i-2-1-VM=a@sim1');
    assert.match(printed, /machine a \(web server\) is marked for i-2-1-VM: your word/);
    assert.equal(code, 0);
    assert.equal(host.markOf('b'), undefined);
    assert.match(
      (await adopt('--map', `i-2-1-VM=b`)).complained,
      /no instance "i-2-1-VM" that lacks/,
    );
  });

  test('adopt refuses one machine for two instances and two for one, however they are called', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM'), listed('i-2-2-VM'));
    host.plant('a', { name: 'web server' });
    host.plant('b', { name: 'mail server' });
    for (const [one, other] of [
      ['i-2-1-VM=a', 'i-2-2-VM=a@sim1'],
      ['i-2-1-VM=a', `${uuidOf('i-2-1-VM')}=b`],
    ] as const) {
      const { code, complained } = await adopt('--map', one, '--map', other);
      assert.match(complained, /stands in two of the --map/);
      assert.equal(code, 2);
    }
    assert.deepEqual([host.markOf('a'), host.markOf('b')], [undefined, undefined]);
    const { code } = await adopt('--map', 'i-2-1-VM=a', '--map', 'i-2-2-VM=b');
    assert.equal(code, 0);
  });

  test('adopt refuses a --map that is no decision, and --vm beside it', async (t) => {
    for (const words of [['x'], ['=a'], ['x=']]) {
      assert.throws(() => readDecisions(words), /has to be INSTANCE=MACHINE/);
    }
    const { adopt } = await scene(t);
    const { code, complained } = await adopt('--map', 'x=a', '--vm', 'y');
    assert.equal(code, 2);
    assert.match(complained, /leave --vm away/);
  });

  test('adopt marks nothing without an installation to mark it with', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    for (const { details } of cloud.state.extensions) delete details['installation'];
    for (const { registration } of cloud.state.clusters)
      delete registration?.details['installation'];
    cloud.state.machines.push(listed('i-2-1-VM'));
    host.plant('a', { name: 'web server' });
    for (const plan of [['--plan'], []]) {
      const { code, printed } = await adopt('--map', 'i-2-1-VM=a', ...plan);
      assert.equal(code, 1, 'the plan promises nothing that is refused afterwards');
      assert.match(printed, /sim1 has no installation to mark machines with.*outrigger register/);
      assert.doesNotMatch(printed, /marked for/);
    }
    assert.equal(host.markOf('a'), undefined);
  });

  test('adopt refuses a machine that is not there or a template', async (t) => {
    const { cloud, host, adopt } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM'));
    host.plant('t', { name: 'template', template: true });
    host.plant('b', { name: 'web server' });
    for (const machine of ['t', 'nowhere', 'b@sim9']) {
      const { code, complained } = await adopt('--map', `i-2-1-VM=${machine}`);
      assert.equal(code, 1);
      assert.match(complained, new RegExp(`no unmarked machine ${machine.split('@')[0]}`));
    }
  });
});

describe('adopt on two systems that use the same ids', () => {
  interface Machines {
    readonly one: string;
    readonly two: string;
    readonly canAdopt?: boolean;
  }

  /** Runs it while each system has a machine "100" of this name; ends with what was marked. */
  async function adopt({ one, two, canAdopt = true }: Machines, map: string) {
    const marked: string[] = [];
    const provider = defineProvider({
      ...sample,
      connect: ({ url }) => {
        const name = url === 'https://one' ? one : two;
        const machine = { remoteId: '100', name, mark: undefined };
        return inMemory({
          list: async () => [machine],
          ...(canAdopt ? {} : { unadoptable: () => 'this provider adopts no machine' }),
          async writeMark(found, mark) {
            marked.push(`${found.remoteId} at ${url}`);
            return { ...found, mark };
          },
        });
      },
    });
    const extension = { provider: 'sample', installation: 'cs-1', token: 'x' };
    const hosts = ['one', 'two'].map((name) => ({
      ...{ name, extension },
      host: { url: `https://${name}` },
    }));
    const instances = [{ uuid: uuidOf('i-2-1-VM'), name: 'i-2-1-VM', state: 'Running' }];
    const file = join(temporaryDirectory(), 'inventory.json');
    writeFileSync(file, JSON.stringify({ hosts, instances }));
    const world = createWorld({ providers: { sample: provider } });
    const code = await runCommand(['adopt', '--inventory', file, '--map', map], world);
    return { code, marked, printed: world.printed(), complained: world.complained() };
  }

  test('adopt asks for the host, and marks the machine of that host only', async () => {
    for (const machines of [
      { one: 'web', two: 'mail' },
      { one: 'web', two: 'web' },
    ]) {
      const { marked } = await adopt(machines, 'i-2-1-VM=100@two');
      assert.deepEqual(marked, ['100 at https://two']);
    }
    const { code, marked, complained } = await adopt({ one: 'web', two: 'mail' }, 'i-2-1-VM=100');
    assert.deepEqual(marked, []);
    assert.match(complained, /There are 2 machines 100\. Say which: INSTANCE=MACHINE@HOST/);
    assert.equal(code, 2);
  });

  test('adopt says so where a provider cannot adopt machines', async () => {
    const machines = { one: 'web', two: 'mail', canAdopt: false };
    const { code, printed } = await adopt(machines, 'i-2-1-VM=100@one');
    assert.match(printed, /this provider adopts no machine/);
    assert.equal(code, 1);
  });
});
