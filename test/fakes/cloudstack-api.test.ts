import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { describe, type TestContext, test } from 'node:test';
import answers from '../../fakes/cloudstack-api/genuine/answers.json' with { type: 'json' };
import { described, genuine } from '../../fakes/cloudstack-api/genuine/index.ts';
import refusals from '../../fakes/cloudstack-api/genuine/refusals.json' with { type: 'json' };
import type { FakeRelease } from '../../fakes/cloudstack-api/parameters.ts';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import type { FakeState } from '../../fakes/cloudstack-api/state.ts';
import { type Form, signed } from '../../src/commands/api/form.ts';

interface Got {
  readonly http: number;
  readonly envelope: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** Posts a call as a signed form, whatever is in it. */
function post(cloud: FakeCloudStack, form: Form): Promise<Got> {
  const given = JSON.parse(readFileSync(cloud.credentials(), 'utf8')) as Record<string, string>;
  const keys = { apiKey: given['api_key'] ?? '', secretKey: given['secret_key'] ?? '' };
  const body = signed({ response: 'json', ...form }, keys, new Date(Date.now() + 60_000));
  const ca = readFileSync(given['ca_file'] ?? '');
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const sending = request(cloud.url, { method: 'POST', ca, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => {
        const whole = JSON.parse(text) as Record<string, Record<string, unknown>>;
        const [[envelope, answer] = ['', {}]] = Object.entries(whole);
        resolve({ http: response.statusCode ?? 0, envelope, answer });
      });
    });
    sending.on('error', reject);
    sending.end(new URLSearchParams(body).toString());
  });
}

function start(t: TestContext, release: FakeRelease = '4.23.0.0'): Promise<FakeCloudStack> {
  return startCloudStack(t, release);
}

const [simulated, opsSim] = [genuine.extension.id, genuine.extension.resources[0]?.id ?? ''];

/** The objects that the recorded calls name. */
function stage({ state }: FakeCloudStack, command: string, send: Readonly<Record<string, string>>) {
  const { extensionid, resourceid, clusterid, id, physicalnetworkid } = send;
  const isExtension = command.endsWith('Extension');
  const extension = extensionid ?? (isExtension ? id : undefined) ?? simulated;
  addExtension(state, extension);
  const cluster = resourceid ?? clusterid ?? (command === 'updateCluster' ? id : undefined);
  const registered = !['registerExtension', 'deleteExtension', 'listClusters'].includes(command);
  addCluster(state, cluster ?? opsSim, registered ? extension : undefined);
  if (command !== 'addHost') {
    state.hosts.push({
      id: id ?? genuine.host.id,
      name: 'sim1',
      clusterId: cluster ?? opsSim,
      details: {},
    });
  }
  state.machines.push(genuine.virtualmachine);
  state.networks.push({
    ...{ id: genuine.network.id, name: 'da-l2', service: [] },
    ...{ broadcasturi: 'vlan://698', vlan: '698' },
  });
  const { name, guestiptype, displaytext } = genuine.networkoffering;
  state.offerings.push({
    ...{ id: 'o', name, guestiptype, displaytext, specifyvlan: true, specifyipranges: false },
    ...{ service: [], state: 'Enabled' },
  });
  for (const each of state.physicalNetworks)
    Object.assign(each, { id: physicalnetworkid ?? each.id });
  if (command === 'addCustomAction' || command === 'deleteExtension') return;
  state.templates.push({ id: genuine.template.id, name: 't', extensionId: extension, details: {} });
  const { successmessage, errormessage, parameters } = genuine.extensioncustomaction;
  state.actions.push({
    ...{ id: id ?? 'a', name: 'Reset', extensionId: extension, description: 'd', roles: ['Admin'] },
    ...{ timeout: 3, enabled: true, details: {} },
    parameters: parameters.map((each) => ({ ...each, required: String(each.required) })),
    successMessage: command === 'listCustomActions' ? undefined : successmessage,
    errorMessage: command === 'listCustomActions' ? undefined : errormessage,
  });
}

function addExtension(state: FakeState, id: string): void {
  const prepares = { orchestratorrequirespreparevm: 'true' };
  state.extensions.push({
    ...{ id, name: 'simulated', path: 'simulated/outrigger', isUserDefined: true },
    ...{ description: 'd', state: 'Enabled', pathReady: true, details: { provider: 'simulator' } },
    ...{ hidden: prepares, reserved: 'simulator_id' },
  });
}

function addCluster(state: FakeState, id: string, extensionId: string | undefined): void {
  state.clusters.push({
    ...{ id, name: 'ops-sim', hypervisor: 'External' },
    ...(extensionId === undefined ? {} : { registration: { extensionId, details: { n: '1' } } }),
  });
}

describe('the fake of CloudStack’s API answers as a genuine 4.23 does', () => {
  for (const { command, send, envelope, answer } of answers) {
    test(`${command}: the answer has the members of the genuine one`, async (t) => {
      const cloud = await start(t);
      const form = Object.fromEntries(Object.entries(send)) as Record<string, string>;
      stage(cloud, command, form);
      const got = await post(cloud, { command, ...form });
      assert.equal(got.http, 200, JSON.stringify(got.answer));
      assert.equal(got.envelope, envelope);
      assert.deepEqual(shapeOf(got.answer), shapeOf(answer));
    });
  }

  for (const { command, send, http, envelope, answer } of refusals) {
    const title = `${answer.errorcode} ${answer.errortext}`.slice(0, 120);
    test(`${command} is refused: ${title}`, async (t) => {
      const cloud = await start(t);
      prepareRefusals(cloud.state);
      const account = /for the account (\w+)/.exec(answer.errortext)?.[1];
      if (account !== undefined) {
        cloud.state.forbidden.add(command);
        cloud.state.account = account;
      }
      const got = await post(cloud, { command, ...(send as Record<string, string>) });
      const { uuidList: _, ...wanted } = answer;
      const { uuidList: __, ...found } = got.answer;
      assert.deepEqual({ ...got, answer: found }, { http, envelope, answer: wanted });
    });
  }
});

/** Everything that stood there when the refusals were recorded. */
function prepareRefusals(state: FakeState): void {
  const [builtIn] = state.extensions;
  assert.ok(builtIn);
  state.extensions[0] = { ...builtIn, id: genuine.extensioncustomaction.extensionid };
  addExtension(state, simulated);
  addCluster(state, opsSim, simulated);
  state.hosts.push({ id: genuine.host.id, name: 'sim1', clusterId: opsSim, details: {} });
  state.actions.push({
    ...{ id: 'a', name: 'Reset', extensionId: simulated, description: 'd', roles: ['Admin'] },
    ...{ timeout: 3, enabled: true, details: {}, parameters: [] },
  });
}

/** Members whose keys an operator chooses. */
const maps = ['details', 'resourcedetails'];

/** The members of an answer with their types, of a list those of its last entry. */
function shapeOf(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.slice(-1).map((each) => shapeOf(each));
  if (typeof value !== 'object' || value === null) return typeof value;
  if (maps.includes(key)) return 'map';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, shapeOf(each, name)]));
}

describe('the fake of CloudStack’s API keeps and loses what a genuine one does', () => {
  test('a parameter that listApis does not describe is refused, though CloudStack ignores it', async (t) => {
    const got = await post(await start(t), { command: 'listHosts', hostname: 'x' });
    assert.equal(got.answer['errortext'], 'listHosts has no parameter hostname');
  });

  test('a command or a parameter that came with a later release is not there before', async (t) => {
    const update = { command: 'updateRegisteredExtension', extensionid: 'e', resourceid: 'c' };
    const older = await post(await start(t, '4.22.1.0'), { ...update, resourcetype: 'Cluster' });
    assert.equal(older.http, 401);
    const create = { command: 'createExtension', name: 'x', type: 'Orchestrator' };
    const reserving = { ...create, reservedresourcedetails: 'a' };
    assert.equal((await post(await start(t, '4.22.0.0'), reserving)).http, 430);
    assert.equal((await post(await start(t, '4.22.1.0'), reserving)).http, 200);
  });

  test('details that are too long are cut without a word, by release and place', async (t) => {
    const long = 'x'.repeat(5000);
    for (const [release, extension] of [
      ['4.22.1.0', 255],
      ['4.23.0.0', 4096],
    ] as const) {
      const cloud = await start(t, release);
      const { state } = cloud;
      await post(cloud, {
        ...{ command: 'createExtension', name: 'x', type: 'Orchestrator' },
        'details[0].v': long,
      });
      assert.equal(state.extensions[1]?.details['v']?.length, extension);
      state.hosts.push({ id: 'h', name: 'h', clusterId: 'c', details: {} });
      const update = { command: 'updateHost', id: 'h', 'externaldetails[0].v': long };
      assert.equal((await post(cloud, update)).http, 200);
      assert.equal(state.hosts[0]?.details['External:v']?.length, 255);
    }
  });

  test('updateCluster loses the hidden details of a registration, updateRegisteredExtension keeps them', async (t) => {
    const cloud = await start(t);
    addExtension(cloud.state, 'e');
    addCluster(cloud.state, 'c', undefined);
    const about = { extensionid: 'e', resourceid: 'c', resourcetype: 'Cluster' };
    const given = { 'details[0].password': 's', 'details[0].a': '1' };
    await post(cloud, { command: 'registerExtension', ...about, ...given });
    const registration = cloud.state.clusters.find(({ id }) => id === 'c')?.registration;
    assert.deepEqual(registration?.details, { a: '1' });
    await post(cloud, { command: 'updateRegisteredExtension', ...about, 'details[0].a': '2' });
    assert.deepEqual(
      [registration?.details, registration?.hidden],
      [{ a: '2' }, { password: 's' }],
    );
    await post(cloud, { command: 'updateCluster', id: 'c', 'externaldetails[0].a': '3' });
    assert.deepEqual([registration?.details, registration?.hidden], [{ a: '3' }, {}]);
  });

  test('a template in a zone without an image store is made, and breaks every list that has it', async (t) => {
    const cloud = await start(t);
    const [zone] = cloud.state.zones;
    assert.ok(zone);
    zone.imageStores = 0;
    addExtension(cloud.state, 'e');
    const register = {
      ...{ command: 'registerTemplate', name: 't', format: 'EXTERNAL', hypervisor: 'External' },
      ...{ url: 'https://x', extensionid: 'e', requireshvm: 'true', zoneid: zone.id },
      ostypeid: genuine.ostype.id,
    };
    const refused = { http: 530, text: /"this\.dataStoreId" is null/ };
    const list = { command: 'listTemplates', templatefilter: 'all' };
    for (const form of [register, list, { ...list, extensionid: 'e' }]) {
      const { http, answer } = await post(cloud, form);
      assert.equal(http, refused.http);
      assert.match(String(answer['errortext']), refused.text);
    }
    assert.equal((await post(cloud, { ...list, extensionid: simulated })).http, 200);
    zone.imageStores = 1;
    assert.equal((await post(cloud, list)).http, 200);
  });

  test('every command and parameter that listApis described can be read', () => {
    assert.ok(described.size > 60);
    const timeout = described.get('addCustomAction')?.parameters.get('timeout');
    assert.deepEqual(timeout, { type: 'integer', length: 255, required: false, since: '' });
  });
});
