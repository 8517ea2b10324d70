import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import type { FakeNetwork } from '../../fakes/cloudstack-api/state.ts';
import type { Finding } from '../../src/commands/doctor/finding.ts';
import { runCommand } from '../../src/commands/run.ts';
import { registry } from '../../src/providers/index.ts';
import { run } from './register-lab.ts';
import { createSimulatedHost, type SimulatedHost } from './simulated-host.ts';
import { createWorld } from './world.ts';

interface Scene {
  readonly cloud: FakeCloudStack;
  readonly host: SimulatedHost;
  /** Everything that is neither well nor about this server. */
  wrong(...words: string[]): Promise<readonly string[]>;
}

/** A CloudStack with a network extension that `register` has made. */
async function scene(t: TestContext): Promise<Scene> {
  const cloud = await startCloudStack(t, '4.23.0.0');
  cloud.state.files.add('lab_net/outrigger');
  const words = ['--provider', 'simulator', '--network', 'guests', '--installation', 'cs-1'];
  assert.equal((await run(['Lab Net', ...words, '--credentials', cloud.credentials()])).code, 0);
  cloud.state.networks.push(served('blue'));
  const host = createSimulatedHost();
  return {
    cloud,
    host,
    wrong: async (...more) => {
      const found = await diagnose(host, ['--credentials', cloud.credentials(), ...more]);
      return found
        .filter(({ layer, state }) => layer !== 'server' && state !== 'ok')
        .map(({ state, name, found: text, advice }) => `${state} ${name}: ${text} -> ${advice}`);
    },
  };
}

async function diagnose(host: SimulatedHost, words: readonly string[]) {
  const world = createWorld({ registry, env: { OUTRIGGER_CONFIG: host.config } });
  await runCommand(['doctor', '--user', 'nobody', ...words, '--json'], world);
  return (JSON.parse(world.printed()) as { checks: readonly Finding[] }).checks;
}

function served(name: string, more: Partial<FakeNetwork> = {}): FakeNetwork {
  const provider = [{ name: 'Lab Net' }];
  return { id: `id-of-${name}`, name, service: [{ name: 'UserData', provider }], ...more };
}

const extensionIn = ({ state }: FakeCloudStack) =>
  state.extensions.find(({ name }) => name === 'Lab Net') ?? assert.fail('no extension');

describe('doctor and network extensions', () => {
  it('finds nothing wrong with what register has made, and looks at the remote system', async (t) => {
    const { cloud, host, wrong } = await scene(t);
    const before = cloud.changes.length;
    const usual = /^skipped details: no details given/;
    assert.deepEqual(
      (await wrong()).filter((each) => !usual.test(each)),
      [],
    );
    const found = await diagnose(host, ['--credentials', cloud.credentials()]);
    const said = found.map(({ name, found: text }) => `${name}: ${text}`).join('\n');
    assert.match(said, /^networks: 1 networks are served by extensions; all can be used$/m);
    assert.match(said, /^Lab Net on guests: networks: 0 networks, 0 of them this installation's$/m);
    assert.equal(cloud.changes.length, before);
  });

  const troubles: Readonly<Record<string, [(scene: Scene) => void, RegExp]>> = {
    'the detail without which a management server never starts again, for an L2 network': [
      ({ cloud }) => {
        extensionIn(cloud).details = { 'network.services': 'UserData' };
      },
      /^fail Lab Net: network\.allocate\.extension\.ip is not false.*there are such networks: blue -> .*remove the rows/,
    ],
    'a disabled extension': [
      ({ cloud }) => {
        extensionIn(cloud).state = 'Disabled';
      },
      /^fail Lab Net: it is disabled, which blocks every start on its networks -> cmk update/,
    ],
    'a file that is not on every server': [
      ({ cloud }) => void cloud.state.files.delete('lab_net/outrigger'),
      /^fail Lab Net: its file is missing or differs.*install\.sh --network-name "Lab Net"/,
    ],
    'a disabled provider': [
      ({ cloud }) => {
        const [registration] = cloud.state.physicalNetworks[0]?.registrations ?? [];
        assert.ok(registration);
        registration.provider = { state: 'Disabled' };
      },
      /^fail Lab Net: its provider is Disabled on the physical network guests/,
    ],
    'capabilities that are no JSON': [
      ({ cloud }) => {
        extensionIn(cloud).details['network.service.capabilities'] = '{Dns';
      },
      /^warn Lab Net: network\.service\.capabilities is no JSON/,
    ],
    'a poisoned network of a project': [
      ({ cloud }) => {
        const details = { 'extension.details': 'sh: denied {"a":1}' };
        cloud.state.projectNetworks.push(served('red', { details }));
      },
      /^fail networks: network red \(id-of-red\) is poisoned.*delete from network_details .*uuid='id-of-red'\)/,
    ],
    'a stored text that is JSON and no object': [
      ({ cloud }) =>
        void cloud.state.networks.push(served('red', { details: { 'extension.details': '[]' } })),
      /^warn networks: network red .*no JSON object/,
    ],
    'an offering that spelt its provider in another case': [
      ({ cloud }) => {
        const provider = [{ name: 'LAB NET' }];
        cloud.state.networks.push(served('red', { service: [{ name: 'UserData', provider }] }));
      },
      /^fail networks: network red has UserData from "LAB NET", which is spelt Lab Net: no command/,
    ],
    'a key pair whose rules leave calls out': [
      ({ cloud }) => void cloud.state.forbidden.add('listNetworks'),
      /^skipped networks: listNetworks: .*\(432\)/,
    ],
    'details of the registration that do not fit': [
      ({ cloud }) => {
        const [registration] = cloud.state.physicalNetworks[0]?.registrations ?? [];
        assert.ok(registration);
        registration.details = { ...registration.details, delay_ms: 'soon' };
      },
      /^fail Lab Net on guests: details: .*"delay_ms"/,
    ],
    'a damaged file of the remote system': [
      ({ host }) => {
        mkdirSync(join(host.folder, 'state/simulator/networks'));
        writeFileSync(join(host.folder, 'state/simulator/networks/or1.json'), '{');
      },
      /^fail Lab Net on guests: networks: Could not read or1: the file is damaged/,
    ],
  };
  for (const [what, [trouble, text]] of Object.entries(troubles)) {
    it(`finds ${what}`, async (t) => {
      const played = await scene(t);
      trouble(played);
      const found = (await played.wrong()).filter((each) => !/no details given/.test(each));
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', text);
    });
  }

  it('names an extension that has the name of a built-in provider, and one of another file', async (t) => {
    const { cloud, wrong } = await scene(t);
    const details = { 'network.services': 'UserData' };
    const own = extensionIn(cloud);
    cloud.state.extensions.push({ ...own, id: 'x', name: 'configdrive', details });
    const found = (await wrong()).join('\n');
    assert.match(
      found,
      /^fail configdrive: it has the name of CloudStack's own provider ConfigDrive/m,
    );
    assert.match(found, /^warn configdrive: network\.allocate\.extension\.ip is not false/m);
    assert.match(found, /^warn configdrive: it is registered with no physical network/m);
  });

  it('looks at the network half of typed details and of a payload, without CloudStack', async (t) => {
    const host = createSimulatedHost();
    const words = ['physicalnetwork.provider=simulator', 'physicalnetwork.installation=cs-1'];
    const of = async (...given: string[]) =>
      (await diagnose(host, given))
        .filter(({ layer }) => layer !== 'server')
        .map(({ state, name }) => `${state} ${name}`);
    const wanted = [
      ...['ok network half: details', 'ok network half: networks'],
      'ok network half: data of guests',
    ];
    assert.deepEqual(await of(...words), wanted);
    const file = join(host.folder, 'payload.json');
    const registration = { provider: 'simulator', installation: 'cs-1', physicalnetworkname: 'pn' };
    const envelope = { 'physical-network-extension-details': registration, payload: {} };
    writeFileSync(file, JSON.stringify(envelope));
    assert.deepEqual(await of('--payload', file), wanted);
    assert.deepEqual(await of('physicalnetwork.provider=simulator'), [
      'fail network half: details',
    ]);
    t.diagnostic('nothing is asked of any server');
  });
});
