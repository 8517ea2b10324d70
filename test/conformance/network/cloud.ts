import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  networkPayload,
  nicBlock,
  type SampleGuest,
  type SampleNetwork,
  vmData,
} from '../../../src/commands/conform/network-payloads.ts';
import type { SampleInstance } from '../../../src/commands/conform/sample-instance.ts';
import { type Cloud, inScene, installation, type Scene } from '../cloud.ts';
import type { NetworkBackend, NetworkSetUp } from './backend.ts';

export type Kind = SampleNetwork['kind'];

export interface Answered {
  readonly exitCode: number;
  readonly text: string;
}

/** The world of one case, with one network of CloudStack's and one instance on it. */
export interface NetworkScene extends Scene {
  readonly remote: NetworkBackend;
  readonly net: NetworkCloud;
}

/** CloudStack's part in one network: makes the calls, and keeps of the answers what CloudStack keeps. */
export interface NetworkCloud {
  readonly uri: string | undefined;
  /** Another network of the same CloudStack. */
  another(): NetworkCloud;
  /** Runs ensure-network-device before it, as CloudStack does. */
  call(command: string, more?: object): Promise<Answered>;
  /** As `call`, and the call has to succeed. */
  ok(command: string, more?: object): Promise<Answered>;
  implement(): Promise<void>;
  /** The commands that come before create and start. */
  prepareNic(guest: SampleGuest): Promise<Answered>;
  /** The data for the guest once more, for any NIC of the instance. */
  sendData(nic: object, guest: SampleGuest): Promise<void>;
  /** `prepareNic`, which has to succeed, and create or start. */
  start(action: 'create' | 'start', guest: SampleGuest): Promise<void>;
  stop(): Promise<void>;
  expunge(): Promise<void>;
  /** The fields of a command about the instance's NIC. */
  nic(): ReturnType<typeof nicBlock>;
}

export function inNetworkScene(
  setUp: NetworkSetUp,
  kind: Kind,
  play: (scene: NetworkScene, t: TestContext) => Promise<void>,
): (t: TestContext) => Promise<void> {
  return async (t) => {
    let remote: NetworkBackend | undefined;
    const machines: Parameters<typeof inScene>[0] = async (place) => {
      remote = await setUp(place);
      return remote.machines;
    };
    await inScene(machines, async (scene) => {
      if (remote === undefined) throw new Error('the system was not set up');
      await play({ ...scene, remote, net: createNetwork(scene, remote, kind, 227) }, t);
    })(t);
  };
}

function createNetwork(scene: Scene, remote: NetworkBackend, kind: Kind, id: number): NetworkCloud {
  const { place, cloud, backend } = scene;
  let uri: string | undefined;
  let state: SampleNetwork['state'] = 'implementing';
  const run = async (command: string, more: object): Promise<Answered> => {
    const vlan = uri?.replace(/^[a-z]+:\/\//, '') ?? '';
    const registration = { provider: backend.provider, installation, ...remote.registration() };
    const payload = networkPayload(registration, { id, kind, vlan, state }, { ...more });
    const file = place.payload(payload, `cs-extnet-${command}-${id}.payload`);
    const call = place.begin([command, file, '60'], { registry: backend.registry });
    const { exitCode, text } = await call.result;
    checkOutput(command, exitCode, text);
    return { exitCode, text };
  };
  const net: NetworkCloud = {
    get uri() {
      return uri;
    },
    another: () => createNetwork(scene, remote, kind, id + 1),
    async call(command, more = {}) {
      const ensured = await run('ensure-network-device', { current_details: '{}' });
      assert.deepEqual(ensured, { exitCode: 0, text: '' });
      return run(command, more);
    },
    async ok(command, more = {}) {
      const answered = await net.call(command, more);
      assert.equal(answered.exitCode, 0, `${command} has to succeed, but: ${answered.text}`);
      return answered;
    },
    async implement() {
      const { text } = await net.ok('implement-network');
      const printed = (JSON.parse(text) as Record<string, string>)['network.broadcast_uri'];
      if (printed !== undefined) uri = printed;
      state = 'implemented';
      if (uri !== undefined) plugIn(cloud, uri);
    },
    nic: () => nicBlock(instanceOf(cloud), 0, kind),
    async prepareNic(guest) {
      await net.ok('prepare-nic', { ...net.nic(), hostname: guest.hostname });
      const vm_data = vmData(instanceOf(cloud), guest);
      return net.call('save-vm-data', { ...net.nic(), vm_data });
    },
    async sendData(nic, guest) {
      await net.ok('prepare-nic', { ...net.nic(), ...nic });
      const vm_data = vmData(instanceOf(cloud), guest);
      await net.ok('save-vm-data', { ...net.nic(), ...nic, vm_data });
    },
    async start(action, guest) {
      const { exitCode, text } = await net.prepareNic(guest);
      assert.equal(exitCode, 0, text);
      await cloud.ok(action);
    },
    async stop() {
      await cloud.ok('stop');
      if (kind !== 'shared') await net.ok('release-nic', net.nic());
    },
    async expunge() {
      await net.stop();
      if (kind === 'shared') await net.ok('release-nic', net.nic());
      await cloud.ok('delete');
    },
  };
  return net;
}

/** The instance's first NIC gets the network's URI, as the database writes it to every NIC. */
function plugIn(cloud: Cloud, uri: string): void {
  const [first, ...rest] = cloud.vm.nics;
  if (first !== undefined) cloud.change({ nics: [{ ...first, uri }, ...rest] });
}

function instanceOf({ vm }: Cloud): SampleInstance {
  const nics = vm.nics.map(({ deviceId, uuid, mac, ip }) => ({
    ...{ deviceId, nicUuid: uuid, mac, ip: ip ?? '', defaultNic: deviceId === 0 },
  }));
  return { id: vm.id, name: vm.name, uuid: vm.uuid, vncPassword: '', stored: {}, nics };
}

/** The promises that hold for the output of every command. */
function checkOutput(command: string, exitCode: number, text: string): void {
  if (command === 'ensure-network-device') {
    assert.equal(text, '');
    return;
  }
  assert.match(text, /^[\n\x20-\x7e]{1,60000}$/, 'plain ASCII');
  const { status } = JSON.parse(text) as { readonly status: unknown };
  assert.equal(status, exitCode === 0 ? 'success' : 'error', text);
}
