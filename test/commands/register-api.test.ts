import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { startServer } from '../../fakes/http/server.ts';
import { readAccess } from '../../src/commands/api/access.ts';
import { type Api, createApi, onlyEntry } from '../../src/commands/api/client.ts';
import { readRelease, releaseOf } from '../../src/commands/api/release.ts';
import { remoteMessage } from '../../src/failure.ts';
import { deadlineIn, failureOf } from '../support/http-client.ts';
import { temporaryDirectory } from './scripts.ts';

async function connect(t: TestContext): Promise<{ api: Api; cloud: FakeCloudStack }> {
  const cloud = await startCloudStack(t);
  return { api: apiFor(t, cloud.credentials()), cloud };
}

function apiFor(t: TestContext, credentials: string): Api {
  const text = (name: string) => (name === 'credentials' ? credentials : undefined);
  const access = readAccess({ text, world: { env: {} } });
  assert.ok(access);
  const api = createApi(access, deadlineIn(10_000));
  t.after(() => api.close());
  return api;
}

const base = { name: 'x', type: 'Orchestrator', path: 'x/outrigger' };

describe('The client of CloudStack’s API', () => {
  test('the API client signs every kind of text as CloudStack does', async (t) => {
    const { api, cloud } = await connect(t);
    const details = {
      Zeta: "it's (really) *odd*!~",
      alpha: 'a+b = c & d % e',
      'Dotted.Key-1': 'üñí 漢字 🚀',
      empty: '',
      lines: 'one\ntwo\ttabs "quoted" \\ [x] {y}',
    };
    await api.call('createExtension', { ...base, details });
    assert.deepEqual(cloud.state.extensions[1]?.details, details);
  });

  test('the API client waits for a job to end, and tells how it failed', async (t) => {
    const { api, cloud } = await connect(t);
    cloud.state.slow.add('createExtension');
    const made = onlyEntry(await api.call('createExtension', base));
    assert.equal(made['name'], 'x');
    const failure = await failureOf(api.call('createExtension', base));
    assert.match(
      failure.message,
      /^createExtension: it failed inside CloudStack \(530\): Extension/,
    );
    assert.equal(remoteMessage(failure), 'Extension by name already exists');
  });

  test('the API client explains an unknown command, which CloudStack answers as it answers wrong keys', async (t) => {
    const { api } = await connect(t);
    const first = await failureOf(api.call('listNothing'));
    assert.equal(first.kind, 'denied');
    assert.match(first.message, /does not accept the API key or the signature \(401\)/);
    assert.match(first.advice ?? '', /says the same of a call that it does not have/);
    await api.call('listCapabilities');
    const { kind, message } = await failureOf(api.call('listNothing'));
    assert.equal(kind, 'unsupported');
    assert.match(message, /listNothing: this CloudStack does not have the call/);
  });

  test('the API client explains a call that the role or the rules of the key pair do not allow', async (t) => {
    const { api, cloud } = await connect(t);
    cloud.state.forbidden.add('listHosts');
    const { kind, message, advice } = await failureOf(api.list('listHosts'));
    assert.equal(kind, 'denied');
    assert.match(message, /rules of the key pair, do not allow this call \(432\)/);
    assert.match(advice ?? '', /lists the calls that it needs/);
  });

  test('the API client takes an empty list as empty', async (t) => {
    const { api } = await connect(t);
    assert.deepEqual(await api.list('listHosts'), []);
  });

  test('the API client asks for smaller pages where CloudStack allows no larger ones', async (t) => {
    const { api, cloud } = await connect(t);
    cloud.state.largestPage = 7;
    for (let id = 1; id <= 20; id += 1) cloud.state.machines.push({ id });
    for (const refused of [1, 0]) {
      const before = cloud.commands.length;
      assert.equal((await api.list('listVirtualMachines')).length, 20);
      assert.equal(cloud.commands.length - before, 3 + refused, 'it is not refused again');
    }
  });

  /** An API behind a server that answers each call with this. */
  async function against(t: TestContext, body: unknown, status = 200): Promise<Api> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const web = await startServer((_, response) => void response.writeHead(status).end(text), {
      plain: true,
    });
    t.after(web.close);
    const access = { apiKey: 'k', secretKey: 's', tls: { verify: true, fingerprints: [] } };
    const api = createApi({ ...access, url: `${web.url}/client/api` }, deadlineIn(5000));
    t.after(() => api.close());
    return api;
  }

  test('the API client ends a list of a server that answers every page with the whole list', async (t) => {
    const host = Array.from({ length: 300 }, (_, id) => ({ id }));
    const api = await against(t, { listhostsresponse: { host } });
    assert.equal((await api.list('listHosts')).length, 300);
  });

  for (const [other, status] of [
    ['<html>', 200],
    ['<html>', 404],
    [{ status: 'up' }, 200],
    [[1], 200],
  ] as const) {
    test(`the API client tells another service from the API: ${status} ${JSON.stringify(other)}`, async (t) => {
      const api = await against(t, other, status);
      const { message, advice } = await failureOf(api.call('listCapabilities'));
      assert.match(
        message,
        /server at http:\/\/\S+\/client\/api \(\d+\) does not answer as CloudStack's API/,
      );
      assert.match(advice ?? '', /\/client\/api/);
    });
  }

  test('the API client takes a web server in front that has lost CloudStack for no other service', async (t) => {
    const api = await against(t, '<html>', 503);
    const { kind, message } = await failureOf(api.call('listCapabilities'));
    assert.equal(kind, 'upstream');
    assert.match(message, /^listCapabilities: it was not carried out \(503\)/);
  });

  test('the API client explains a refusal of the keys with any page in the answer', async (t) => {
    const api = await against(t, '<html>', 401);
    const { kind, message } = await failureOf(api.call('listCapabilities'));
    assert.equal(kind, 'denied');
    assert.match(message, /does not accept the API key/);
  });

  test('the API client never takes a complaint of CloudStack for a wrong command line', async (t) => {
    for (const code of [430, 431]) {
      for (const status of [code, 200]) {
        const api = await against(t, { r: { errorcode: code, errortext: 'page size' } }, status);
        assert.equal((await failureOf(api.list('listHosts'))).kind, 'upstream');
      }
    }
    const silent = await against(t, { listcapabilitiesresponse: {} });
    assert.equal((await failureOf(readRelease(silent))).kind, 'upstream');
  });

  test('the API client reads versions from 4.21 on, the year numbers included', () => {
    assert.throws(() => releaseOf('4.20.1.0'), /has no extensions/);
    assert.throws(() => releaseOf('new'), /is not a version/);
    assert.equal(releaseOf('4.21.0.0').tellsCaller, false);
    assert.equal(releaseOf('4.22.1.0').tellsCaller, true);
    assert.equal(releaseOf('4.22.0.0').reservesDetails, false);
    assert.equal(releaseOf('4.22.1.0').reservesDetails, true);
    assert.equal(releaseOf('4.23.0.0').reservesDetails, true);
    for (const version of ['24', '24.0', '24.1.0.0']) {
      assert.equal(releaseOf(version).reservesDetails, true);
    }
  });

  test('the API client takes keys that a group may read, and repeats no password of an address', async (t) => {
    const cloud = await startCloudStack(t);
    const file = cloud.credentials();
    chmodSync(file, 0o640);
    const access = (url?: string) =>
      readAccess({
        text: (name) => (name === 'credentials' ? file : name === 'api' ? url : undefined),
        world: { env: {} },
      });
    assert.equal(access()?.url, cloud.url);
    assert.throws(
      () => access('https://admin:hunter2@m:8443/client/api'),
      ({ message }: Error) => /is not the address/.test(message) && !message.includes('hunter2'),
    );
  });

  test('the API client takes the keys from the environment too', () => {
    const env = {
      CLOUDSTACK_API_URL: 'https://m:8443/client/api/',
      CLOUDSTACK_API_KEY: 'k',
      CLOUDSTACK_SECRET_KEY: 's',
    };
    const access = readAccess({ text: () => undefined, world: { env } });
    assert.deepEqual([access?.apiKey, access?.secretKey], ['k', 's']);
    const blank = { ...env, CLOUDSTACK_SECRET_KEY: ' ' };
    assert.throws(
      () => readAccess({ text: () => undefined, world: { env: blank } }),
      /cannot be called: secret_key missing/,
    );
    assert.equal(readAccess({ text: () => undefined, world: { env: {} } }), undefined);
  });

  test('the API client names the keys that a file lacks', () => {
    const file = join(temporaryDirectory(), 'keys.json');
    writeFileSync(file, '{ "url": "" }', { mode: 0o600 });
    assert.throws(
      () => readAccess({ text: (name) => (name === 'api' ? undefined : file), world: { env: {} } }),
      /cannot be called: url, api_key, secret_key missing/,
    );
  });
});
