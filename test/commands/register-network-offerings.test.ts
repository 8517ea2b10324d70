import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { type Ran, run } from './register-lab.ts';

async function lab(t: TestContext): Promise<FakeCloudStack> {
  const cloud = await startCloudStack(t, '4.23.0.0');
  for (const file of ['lab_net/outrigger', 'lab_one/outrigger']) cloud.state.files.add(file);
  return cloud;
}

function register(cloud: FakeCloudStack, ...more: string[]): Promise<Ran> {
  const words = ['--provider', 'simulator', '--network', 'guests', '--installation', 'cs-1'];
  return run(['Lab Net', ...words, '--credentials', cloud.credentials(), ...more]);
}

function remove(cloud: FakeCloudStack, ...more: string[]): Promise<Ran> {
  return run(['Lab Net', '--remove', '--credentials', cloud.credentials(), ...more]);
}

/** The rules in a printed script, by their order. */
function rulesIn(printed: string): readonly string[] {
  return [...printed.matchAll(/rules\[\d+\]\.rule=(\w+) /g)].map(([, rule = '']) => rule);
}

describe('offerings of a network extension', () => {
  it('are made and enabled for each kind that is asked for, and again only where they are off', async (t) => {
    const cloud = await lab(t);
    const words = ['--offering', 'isolated', '--offering', 'Shared'];
    const { code, printed, complained } = await register(cloud, ...words);
    assert.equal(code, 0, complained);
    const { offerings } = cloud.state;
    assert.deepEqual(
      offerings.map(({ name, guestiptype, specifyvlan, specifyipranges, state, service }) => [
        ...[name, guestiptype, specifyvlan, specifyipranges, state],
        service.map((each) => `${each.name} ${each.provider.map((one) => one.name).join()}`),
      ]),
      [
        ['Lab Net Shared', 'Shared', true, true, 'Enabled', both],
        ['Lab Net Isolated', 'Isolated', false, false, 'Enabled', both],
      ],
    );
    assert.match(printed, /Shared and Isolated networks get no DHCP with it/);
    const before = cloud.changes.length;
    assert.equal((await register(cloud, ...words)).code, 0);
    assert.equal(cloud.changes.length, before);
    const [shared] = offerings;
    assert.ok(shared);
    shared.state = 'Disabled';
    assert.equal((await register(cloud, ...words)).code, 0);
    assert.equal(shared.state, 'Enabled');
  });
  const both = ['UserData Lab Net', 'CustomAction Lab Net'];

  it('are refused for other kinds, and no detail gives the extension a service that is not served', async (t) => {
    const cloud = await lab(t);
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ['--offering', 'VPC'],
        /--offering VPC is no kind of network.*There are: L2, Shared, Isolated/,
      ],
      [
        ['--detail', 'network.services=UserData,Firewall'],
        /network\.services is one of the extension.*Firewall.*stay with the virtual router/,
      ],
      [['--detail', 'network.isolation.method=NetworkExtension'], /--make-networks sets/],
    ];
    for (const [words, text] of wrong) {
      const { code, complained } = await register(cloud, ...words);
      assert.equal(code, 2);
      assert.match(complained.replace(/\s+/g, ' '), text);
    }
    assert.deepEqual(cloud.changes, []);
  });
});

describe('the rules of a key pair', () => {
  it('that the printed script names are enough for register, and no more than it calls', async (t) => {
    const cloud = await lab(t);
    const { printed } = await register(cloud, '--print');
    const rules = rulesIn(printed);
    assert.match(printed, /^# cmk register userkeys id=USER name=outrigger rules\[0\]/m);
    const asked = cloud.commands.length;
    assert.equal((await register(cloud)).code, 0);
    const called = new Set(cloud.commands.slice(asked));
    assert.deepEqual([...called].sort(), [...rules].sort());
  });

  it('are as many for an extension of clusters as its calls, and some more to read', async (t) => {
    const cloud = await lab(t);
    const words = ['Lab One', '--provider', 'simulator', '--cluster', 'ext'];
    const given = [...words, '--credentials', cloud.credentials()];
    const rules = rulesIn((await run([...given, '--print'])).printed);
    const asked = cloud.commands.length;
    assert.equal((await run(given)).code, 0);
    for (const command of cloud.commands.slice(asked)) assert.ok(rules.includes(command), command);
    assert.ok(!rules.includes('deleteExtension'));
  });
});

describe('register --remove of a network extension', () => {
  it('takes registration and extension away, switches its offerings off, and leaves the file', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const plan = await remove(cloud, '--plan');
    assert.equal(plan.code, 3);
    assert.match(plan.printed, /registration with physical network guests/);
    const { code, complained } = await remove(cloud);
    assert.equal(code, 0, complained);
    const { state } = cloud;
    assert.deepEqual(
      state.extensions.filter(({ name }) => name === 'Lab Net'),
      [],
    );
    assert.deepEqual(state.physicalNetworks[0]?.registrations, []);
    assert.equal(state.offerings[0]?.state, 'Disabled');
    assert.ok(state.files.has('lab_net/outrigger'));
    assert.match((await remove(cloud)).printed, /There is no extension Lab Net/);
  });

  it('is refused while networks use it, those of projects too', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const before = cloud.changes.length;
    const service = [{ name: 'UserData', provider: [{ name: 'Lab Net' }] }];
    cloud.state.projectNetworks.push({ id: 'n', name: 'blue', service });
    const { code, complained } = await remove(cloud);
    assert.equal(code, 1);
    assert.match(complained, /Lab Net still serves the networks blue/);
    assert.equal(cloud.changes.length, before);
  });

  it('is refused for the name of a built-in provider, which would go with it', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const own = cloud.state.extensions.find(({ name }) => name === 'Lab Net');
    assert.ok(own);
    cloud.state.extensions.push({ ...own, id: 'x', name: 'configdrive' });
    const words = ['configdrive', '--remove', '--credentials', cloud.credentials()];
    const { code, complained } = await run(words);
    assert.equal(code, 1);
    assert.match(
      complained,
      /CloudStack's own provider ConfigDrive: unregistering it would remove/,
    );
  });
});
