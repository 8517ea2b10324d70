import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { FakeRelease } from '../../fakes/cloudstack-api/parameters.ts';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { type Ran, run } from './register-lab.ts';

const basics = ['Lab Net', '--provider', 'simulator', '--network', 'guests'];

async function lab(t: TestContext, release: FakeRelease = '4.23.0.0'): Promise<FakeCloudStack> {
  const cloud = await startCloudStack(t, release);
  for (const file of ['lab_net/outrigger', 'lab_one/outrigger']) cloud.state.files.add(file);
  return cloud;
}

function register(cloud: FakeCloudStack, ...more: string[]): Promise<Ran> {
  return run([...basics, '--credentials', cloud.credentials(), ...more]);
}

/** The extension that serves the cluster, whose installation the network half has to share. */
async function orchestrator(cloud: FakeCloudStack): Promise<string> {
  const words = ['Lab One', '--provider', 'simulator', '--credentials', cloud.credentials()];
  assert.equal((await run(words)).code, 0);
  const one = cloud.state.extensions.find(({ name }) => name === 'Lab One');
  return one?.details['installation'] ?? assert.fail('no installation');
}

const registrationIn = ({ state }: FakeCloudStack) =>
  state.physicalNetworks[0]?.registrations[0] ?? assert.fail('nothing is registered');

describe('register --network', () => {
  it('sets a network extension up as CloudStack needs it, and a second run changes nothing', async (t) => {
    const cloud = await lab(t);
    const installation = await orchestrator(cloud);
    const { code, printed, complained } = await register(cloud, '--detail', 'delay_ms=5');
    assert.equal(code, 0, complained);
    const extension = cloud.state.extensions.find(({ name }) => name === 'Lab Net');
    assert.equal(extension?.type, 'NetworkOrchestrator');
    assert.deepEqual(extension?.details, {
      'network.services': 'UserData,CustomAction',
      'network.allocate.extension.ip': 'false',
    });
    const { details } = registrationIn(cloud);
    assert.deepEqual(details, { delay_ms: '5', provider: 'simulator', installation });
    const [offering] = cloud.state.offerings;
    assert.deepEqual(
      [offering?.name, offering?.state, offering?.specifyvlan],
      ['Lab Net L2', 'Enabled', true],
    );
    assert.match(printed, /can never get any/);
    const before = cloud.changes.length;
    assert.equal((await register(cloud, '--detail', 'delay_ms=5')).code, 0);
    assert.equal(cloud.changes.length, before);
  });

  it('says that networks are made on the remote system only where the operator wants it', async (t) => {
    const cloud = await lab(t);
    await orchestrator(cloud);
    assert.equal((await register(cloud, '--make-networks')).code, 0);
    const extension = cloud.state.extensions.find(({ name }) => name === 'Lab Net');
    assert.equal(extension?.details['network.isolation.method'], 'NetworkExtension');
    assert.equal(cloud.state.offerings[0]?.specifyvlan, false);
  });

  it('repairs the detail without which a management server may never start again', async (t) => {
    const cloud = await lab(t);
    await orchestrator(cloud);
    await register(cloud);
    const extension = cloud.state.extensions.find(({ name }) => name === 'Lab Net');
    if (extension !== undefined) extension.details = { 'network.services': 'UserData' };
    const { printed } = await register(cloud);
    assert.match(printed, /network\.allocate\.extension\.ip: false/);
    assert.equal(extension?.details['network.allocate.extension.ip'], 'false');
  });

  it('refuses names under which no command would ever arrive', async (t) => {
    const cloud = await lab(t);
    await orchestrator(cloud);
    const as = async (name: string) =>
      (await run([name, ...basics.slice(1), '--credentials', cloud.credentials()])).complained;
    for (const name of ['ConfigDrive', 'virtualrouter', 'NONE']) {
      assert.match(await as(name), /CloudStack's own provider/);
    }
    await register(cloud);
    assert.match(await as('lab net'), /has an extension "Lab Net" already/);
    assert.match(await as('Lab One'), /one of type Orchestrator/);
  });

  it('refuses what does not go together, before anything is changed', async (t) => {
    const cloud = await lab(t);
    const alone = await register(cloud);
    assert.match(alone.complained, /Register the extension that serves the cluster first/);
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['--detail', 'delay_ms=soon'], /delay_ms/],
      [['--cluster', 'ext'], /--network does not go with --cluster/],
    ];
    for (const [words, text] of wrong)
      assert.match((await register(cloud, ...words)).complained, text);
    const words = ['X', '--provider', 'sample', '--network', 'guests'];
    assert.match((await run(words)).complained, /serves no networks/);
    const elsewhere = ['Lab Net', '--provider', 'simulator', '--network', 'nosuch'];
    const given = ['--installation', 'x', '--credentials', cloud.credentials()];
    assert.match((await run([...elsewhere, ...given])).complained, /no physical network "nosuch"/);
    const old = await lab(t, '4.22.1.0');
    assert.match((await register(old, '--installation', 'x')).complained, /no network extensions/);
    assert.deepEqual([...cloud.changes, ...old.changes], []);
  });

  it('prints the commands without access, and no secret among them', async (t) => {
    const cloud = await lab(t);
    const file = join(dirname(cloud.credentials()), 'token');
    writeFileSync(file, 'the secret');
    const { code, printed } = await run([...basics, '--print', '--installation', 'cs-1']);
    assert.equal(code, 0);
    assert.match(printed, /create extension .*type=NetworkOrchestrator/);
    assert.match(printed, /list physicalnetworks/);
    assert.match(printed, /register extension .*resourcetype=PhysicalNetwork/);
    assert.doesNotMatch(printed, /the secret/);
  });
});
