import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import type { Finding } from '../../src/commands/audit/finding.ts';
import { runCommand } from '../../src/commands/run.ts';
import { networkIdOf, writeNetworkMark } from '../../src/lifecycle/network/mark.ts';
import { registry } from '../../src/providers/index.ts';
import {
  createSimulatedHost,
  installation,
  introduce,
  listed,
  type SimulatedHost,
  uuidOf,
} from './simulated-host.ts';
import { createWorld } from './world.ts';

interface Scene {
  readonly cloud: FakeCloudStack;
  readonly host: SimulatedHost;
  /** Plants a remote network of CloudStack's network `id`; answers its remote id. */
  network(id: number, alias?: string): string;
  /** Plants the data of a NIC. */
  guest(nic: number, instance: string, more?: object): string;
  findings(...words: string[]): Promise<readonly Finding[]>;
}

/** A world in order: one instance with its machine, on one network of ours, with its data. */
async function scene(t: TestContext): Promise<Scene> {
  const cloud = await startCloudStack(t, '4.23.0.0');
  introduce(cloud, { sim1: { node: 'sim1' } });
  const { state } = cloud;
  state.extensions.push({
    ...{ id: 'x-net', name: 'Lab Net', path: 'lab_net/outrigger', isUserDefined: true },
    ...{ type: 'NetworkOrchestrator', description: '', state: 'Enabled', pathReady: true },
    ...{ details: { 'network.allocate.extension.ip': 'false' }, hidden: {}, reserved: '' },
  });
  state.physicalNetworks[0]?.registrations.push({
    ...{ extensionId: 'x-net', services: ['UserData'], provider: { state: 'Enabled' }, hidden: {} },
    details: { provider: 'simulator', installation },
  });
  const host = createSimulatedHost();
  const put = (folder: string, name: string, content: object): void => {
    mkdirSync(join(host.folder, 'state/simulator', folder), { recursive: true });
    const file = join(host.folder, 'state/simulator', folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(content));
  };
  const scene: Scene = {
    ...{ cloud, host },
    network(id, alias = writeNetworkMark({ installation, networkId: String(id) })) {
      const remoteId = networkIdOf({ installation, networkId: String(id) }, 12);
      put('networks', remoteId, { alias });
      return remoteId;
    },
    guest(nic, instance, more = {}) {
      const nicUuid = `00000000-0000-4000-8000-00000000000${nic}`;
      put('guests', nicUuid, {
        ...{ nicUuid, instanceUuid: uuidOf(instance), networkId: '227', installation },
        ...{ nic: { mac: '02:00:00:00:00:01', isDefault: true }, savedAt: '2026-11-01T00:00:00Z' },
        ...more,
      });
      return nicUuid;
    },
    async findings(...words) {
      const world = createWorld({ registry, env: { OUTRIGGER_CONFIG: host.config } });
      const given = ['audit', '--credentials', cloud.credentials(), '--json', ...words];
      await runCommand(given, world);
      return (JSON.parse(world.printed()) as { findings: readonly Finding[] }).findings;
    },
  };
  host.plant('a', { name: 'i-2-1-VM', mark: {} });
  state.machines.push(listed('i-2-1-VM'));
  scene.guest(1, 'i-2-1-VM');
  state.networks.push(networkOf('blue', scene.network(227)));
  return scene;
}

function networkOf(name: string, remoteId: string) {
  const service = [{ name: 'UserData', provider: [{ name: 'Lab Net' }] }];
  return { id: `id-of-${name}`, name, broadcasturi: `vs://${remoteId}`, service };
}

/** The mark of another CloudStack. */
const foreign = writeNetworkMark({ installation: 'cs-2', networkId: '9' });

describe('audit of network extensions', () => {
  it('finds nothing where networks and guests’ data have their network and instance', async (t) => {
    const { network, findings, cloud } = await scene(t);
    network(9, foreign);
    network(10, 'the DMZ');
    assert.deepEqual(await findings(), []);
    assert.deepEqual(cloud.changes, []);
  });

  it('finds a remote network that no network of CloudStack names, and what names it', async (t) => {
    const { network, findings } = await scene(t);
    const remoteId = network(228);
    const [finding, ...rest] = await findings();
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [finding?.severity, finding?.kind, finding?.subject],
      ['warning', 'network', remoteId],
    );
    assert.match(
      finding?.found ?? '',
      /CloudStack's network 228 .* on the remote system by nothing/,
    );
  });

  it('finds a network whose remote one is gone, two marks for one network, and a damaged mark', async (t) => {
    const { network, findings, cloud, host } = await scene(t);
    cloud.state.projectNetworks.push(networkOf('red', 'or000000'));
    network(300, 'outrigger:9:from the future');
    const twin = { alias: writeNetworkMark({ installation, networkId: '227' }) };
    const file = join(host.folder, 'state/simulator/networks/zcopy.json');
    writeFileSync(file, JSON.stringify(twin));
    const found = (await findings()).map(({ severity, found: text }) => `${severity} ${text}`);
    assert.equal(found.length, 4, found.join('\n'));
    assert.match(found.join('\n'), /^critical its remote network or000000 is not there/m);
    assert.match(found.join('\n'), /^critical \S+ and \S+ carry the mark of one network/m);
    assert.match(found.join('\n'), /^critical its mark cannot be read/m);
    assert.match(
      found.join('\n'),
      /^warning the remote network zcopy of CloudStack's network 227/m,
    );
  });

  it('finds the data of an instance that is gone or whose deployment failed, and never what is in them', async (t) => {
    const { guest, findings, cloud } = await scene(t);
    cloud.state.machines.push(listed('i-2-2-VM', { state: 'Error' }));
    const [failed, gone] = [guest(2, 'i-2-2-VM'), guest(3, 'i-2-3-VM', { password: 's3cret' })];
    const found = await findings();
    assert.deepEqual(
      found.map(({ kind, subject }) => `${kind} ${subject}`).sort(),
      [`guest-data ${failed}`, `guest-data ${gone}`].sort(),
    );
    const text = JSON.stringify(found);
    assert.match(text, /i-2-2-VM, whose deployment failed, saved \d+ days ago/);
    assert.match(text, /that CloudStack does not have, with a password, saved \d+ days ago/);
    assert.doesNotMatch(text, /s3cret/);
  });

  it('takes a password that came alone for the instance that has the NIC', async (t) => {
    const { guest, findings, cloud } = await scene(t);
    const nicUuid = guest(4, 'i-2-1-VM', { instanceUuid: undefined, password: 's3cret' });
    assert.deepEqual(
      (await findings()).map(({ subject }) => subject),
      [nicUuid],
    );
    const nic = [{ id: nicUuid, macaddress: '02:00:00:00:00:01', broadcasturi: 'vlan://1' }];
    host(cloud, nic);
    assert.deepEqual(
      (await findings()).filter(({ kind }) => kind === 'guest-data'),
      [],
    );
  });

  it('says that it does not know where a remote system or a list cannot be read', async (t) => {
    const { findings, cloud } = await scene(t);
    cloud.state.forbidden.add('listNetworks');
    const [finding] = await findings();
    assert.deepEqual(
      [finding?.severity, finding?.kind, finding?.subject],
      ['unknown', 'unreachable-networks', 'Lab Net on guests'],
    );
    assert.match(finding?.found ?? '', /listNetworks.*\(432\)/);
  });
});

function host({ state }: FakeCloudStack, nic: readonly object[]): void {
  state.machines.splice(0, 1, listed('i-2-1-VM', { nic }));
}
