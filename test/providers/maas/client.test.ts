import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authority, fingerprintOf, readKey } from '../../../fakes/http/keys.ts';
import { plain } from '../../../fakes/maas/answers.ts';
import { type FakeMaas, type Options, startMaas } from '../../../fakes/maas/server.ts';
import { Failure } from '../../../src/failure.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { silent } from '../../../src/kit/log.ts';
import { type Ask, type Client, createClient } from '../../../src/providers/maas/api/client.ts';
import type { Settings } from '../../../src/providers/maas/settings.ts';

/** A client all of whose requests have one deadline. */
type Caller = {
  readonly [Method in 'get' | 'post' | 'put']: (
    path: string,
    ask: Omit<Ask, 'deadline'>,
  ) => ReturnType<Client[Method]>;
};

interface Scene {
  readonly fake: FakeMaas;
  client(more?: Partial<Settings>, ms?: number): Caller;
}

function withFake(play: (scene: Scene) => Promise<void>, options: Options = {}) {
  return async () => {
    const fake = await startMaas(options);
    const clients: Client[] = [];
    const client: Scene['client'] = (more = {}, ms = 5_000) => {
      const times = { endMs: performance.now() + ms, undoEndMs: performance.now() + ms };
      const deadline = createDeadline(() => performance.now(), times);
      const settings = {
        endpoint: fake.url,
        apikey: fake.user.key,
        verify_tls_certificate: true,
        ...more,
      } as Settings;
      const made = createClient(settings, { deadline, log: silent });
      clients.push(made);
      return {
        get: (path, ask) => made.get(path, { deadline, ...ask }),
        post: (path, ask) => made.post(path, { deadline, ...ask }),
        put: (path, ask) => made.put(path, { deadline, ...ask }),
      };
    };
    try {
      await play({ fake, client });
    } finally {
      for (const each of clients) each.close();
      await fake.close();
    }
  };
}

const ask = { what: 'list machines' };

async function failure(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (thrown) {
    return Failure.from(thrown);
  }
  throw new Error('it did not fail');
}

describe('the client of MAAS', () => {
  it(
    'sends forms with every change, empty ones included, and slashes at the end',
    withFake(async ({ fake, client }) => {
      const machine = fake.add();
      const path = `/machines/${machine.systemId}/`;
      const tags: readonly string[] = [];
      await client().post('/machines/', {
        ...ask,
        query: { op: 'allocate' },
        form: { tags, mem: 1 },
      });
      await client().post(path, { ...ask, query: { op: 'release' } });
      assert.deepEqual(
        fake.seen.map(({ body }) => body),
        ['mem=1', ''],
      );
      assert.equal(machine.status, 'ready');
    }),
  );

  it(
    'repeats a read after a lost answer with a nonce that MAAS has not seen',
    withFake(async ({ fake, client }) => {
      fake.disturb(({ count }) => (count < 3 ? 'lost-answer' : undefined));
      assert.equal((await client().get('/machines/', ask)).status, 200);
      assert.equal(fake.seen.length, 3);
    }),
  );

  it(
    'never repeats a change whose answer was lost',
    withFake(async ({ fake, client }) => {
      fake.add();
      fake.disturb(() => 'lost-answer');
      const { remote } = await failure(
        client().post('/machines/', { ...ask, query: { op: 'allocate' } }),
      );
      assert.equal(remote.sent, 'maybe');
      assert.equal(fake.seen.length, 1);
    }),
  );

  it(
    'the client waits while MAAS is busy, and as long as MAAS’s Retry-After says',
    withFake(async ({ fake, client }) => {
      const answer = plain(503, 'busy', { 'retry-after': '1' });
      fake.disturb(({ count }) =>
        count === 1 ? answer : count === 2 ? plain(503, 'busy') : undefined,
      );
      const startedMs = performance.now();
      await client().get('/machines/', { ...ask, busyTimeoutMs: 4_000 });
      assert.ok(performance.now() - startedMs > 1_000);
      assert.equal(fake.seen.length, 3);
    }),
  );

  it(
    'does not wait longer than it was told to',
    withFake(async ({ fake, client }) => {
      fake.disturb(() =>
        plain(503, 'Unable to connect to any rack controller', { 'retry-after': '10' }),
      );
      const found = await failure(client().get('/machines/', { ...ask, busyTimeoutMs: 2_000 }));
      assert.equal(fake.seen.length, 1);
      assert.equal(found.kind, 'unreachable');
      assert.match(found.message, /busy.*rack controller/);
    }),
  );

  for (const minutes of [10, -10]) {
    it(
      `a clock that is ${minutes} minutes off ${minutes > 0 ? 'is explained' : 'does no harm'}`,
      withFake(async ({ fake, client }) => {
        fake.setClock(minutes * 60_000);
        if (minutes < 0) {
          assert.equal((await client().get('/machines/', ask)).status, 200);
          return;
        }
        const found = await failure(client().get('/machines/', ask));
        assert.equal(found.kind, 'config');
        assert.match(found.message, /10 minutes behind/);
        assert.ok(found.outage);
        assert.equal(fake.seen.length, 1);
      }),
    );
  }

  it(
    'a key that is wrong, half wrong or deleted says so without a word of the signature',
    withFake(async ({ fake, client }) => {
      for (const apikey of ['a:b:c', `${fake.user.key}x`]) {
        const found = await failure(client({ apikey }).get('/machines/', ask));
        assert.equal(found.kind, 'denied');
        assert.ok(found.outage);
        assert.doesNotMatch(
          `${found.message} ${found.advice} ${JSON.stringify([found.facts, found.remote])}`,
          /s3cretOne|signature/,
        );
      }
    }),
  );

  it(
    'a body that repeats the secret does not get it into the failure',
    withFake(async ({ fake, client }) => {
      fake.disturb(() => plain(500, `no: ${fake.user.key} s3cretOne`));
      const found = await failure(client().get('/machines/', ask));
      assert.match(found.message, /500.*no: .*\*\*\*/);
      assert.doesNotMatch(found.message, /s3cretOne/);
    }),
  );

  const answers: readonly (readonly [string, number, string, boolean, RegExp | undefined])[] = [
    ['/machines/abc/', 403, 'denied', false, /locked or belongs to another MAAS user/],
    ['/machines/abc/', 404, 'not-found', false, undefined],
    ['/machines/abc/', 409, 'conflict', false, undefined],
    ['/machines/abc/', 500, 'upstream', false, undefined],
    ['/machines/abc/', 502, 'unreachable', false, /back in half a minute/],
    ['/machines/abc/', 503, 'conflict', false, /Another action is still going on/],
    ['/machines/abc/', 504, 'unreachable', false, undefined],
    ['/machines/', 302, 'config', true, /address that MAAS really has/],
    ['/machines/', 401, 'denied', true, /mistyped, was deleted/],
    ['/machines/', 404, 'config', true, /without what follows \/MAAS/],
    ['/machines/', 502, 'unreachable', true, /back in half a minute/],
    ['/machines/', 503, 'unreachable', true, /region controllers/],
    ['/machines/', 504, 'unreachable', true, undefined],
  ];
  for (const [path, status, kind, outage, advice] of answers) {
    it(
      `takes ${status} for ${path} as "${kind}"${outage ? ', whatever is asked' : ''}`,
      withFake(async ({ fake, client }) => {
        fake.disturb(() => plain(status, 'why it is so', { 'retry-after': 'soon' }));
        const found = await failure(client().get(path, { what: 'do as asked' }));
        assert.deepEqual([found.kind, found.outage, found.remote], [kind, outage, { status }]);
        assert.match(found.message, /do as asked/);
        if (advice === undefined) assert.equal(found.advice, undefined);
        else assert.match(found.advice ?? '', advice);
      }),
    );
  }

  it(
    'tells one machine that is missing from an API that is missing',
    withFake(async ({ fake, client }) => {
      assert.equal((await failure(client().get('/machines/nope/', ask))).kind, 'not-found');
      const elsewhere = { endpoint: `${fake.url}/elsewhere` };
      const found = await failure(client(elsewhere).get('/machines/', ask));
      assert.equal(found.kind, 'config');
      assert.match(found.message, /no MAAS API/);
    }),
  );

  it(
    'follows no redirect, since that would carry the key elsewhere',
    withFake(async ({ fake, client }) => {
      fake.disturb(() => plain(301, '', { location: 'https://elsewhere.example.org/' }));
      const found = await failure(client().get('/machines/', ask));
      assert.equal(found.kind, 'config');
      assert.match(found.message, /elsewhere\.example\.org/);
    }),
  );

  it(
    'says what validation found, field by field',
    withFake(async ({ fake, client }) => {
      fake.add();
      const form = { pool: 'nowhere' };
      const found = await failure(
        client().post('/machines/', { ...ask, query: { op: 'allocate' }, form }),
      );
      assert.match(found.message, /400.*pool: No such pool: 'nowhere'/);
    }),
  );

  it(
    'shows neither pages of HTML nor endless bodies nor control characters',
    withFake(async ({ fake, client }) => {
      fake.disturb(({ count }) =>
        count === 1
          ? plain(500, '<html>proxy</html>')
          : plain(500, `a\u0007\nb${'x'.repeat(9_000)}`),
      );
      assert.doesNotMatch((await failure(client().get('/machines/', ask))).message, /html/);
      const { message } = await failure(client().get('/machines/', ask));
      assert.match(message, /a bx{50}/);
      assert.ok(message.length < 500);
    }),
  );

  it(
    'uses one connection for everything',
    withFake(async ({ fake, client }) => {
      const one = client();
      for (let count = 0; count < 4; count += 1) await one.get('/machines/', ask);
      assert.equal(fake.connections(), 1);
    }),
  );

  it(
    'the client sends requests only to a server with the pinned certificate or one of a known authority',
    withFake(
      async ({ fake, client }) => {
        const endpoint = fake.url;
        const pinned = { endpoint, tls_fingerprint: [fingerprintOf('trusted')] };
        assert.equal((await client(pinned).get('/machines/', ask)).status, 200);
        assert.equal(
          (await client({ endpoint, ca_file: authority() }).get('/machines/', ask)).status,
          200,
        );
        const before = fake.seen.length;
        const other = { endpoint, tls_fingerprint: [fingerprintOf('renewed')] };
        for (const more of [{ endpoint }, other]) {
          assert.equal((await failure(client(more).get('/machines/', ask))).kind, 'unreachable');
        }
        assert.equal(fake.seen.length, before);
      },
      { tls: readKey('trusted') },
    ),
  );
});
