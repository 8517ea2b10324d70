import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { derOf, type KeyName } from '../../fakes/http/keys.ts';
import type { FakeServer } from '../../fakes/http/server.ts';
import type { silent } from '../../src/kit/log.ts';
import { clientOf, failureOf, serve, serveRaw } from '../support/http-client.ts';

it('sends an object as JSON with its length', async (t) => {
  const server = await serve(t, (_, response) => response.end('{"done":true}'));
  const json = { name: 'wéb', buffer: 1, list: [1, 'a'], none: null };
  const reply = await clientOf([server]).request('POST', '/machines', { json });
  assert.deepEqual(reply.json(), { done: true });
  const [seen] = server.seen;
  assert.equal(seen?.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(seen?.body ?? ''), json);
});

it('sends JSON that is no object as it is', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const http = clientOf([server]);
  for (const json of [false, 0, '', null, []]) await http.request('PUT', '/', { json });
  assert.deepEqual(
    server.seen.map(({ body }) => body),
    ['false', '0', '""', 'null', '[]'],
  );
});

it('sends a form with every character encoded and lists as repeated keys', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  await clientOf([server]).request('POST', '/machines', {
    form: { net0: 'virtio=AA:BB,bridge=vmbr0', tag: ['a b', 'c&d=e+f'], cores: 2, on: true },
  });
  const [seen] = server.seen;
  assert.equal(seen?.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(
    seen?.body,
    'net0=virtio%3DAA%3ABB%2Cbridge%3Dvmbr0&tag=a%20b&tag=c%26d%3De%2Bf&cores=2&on=true',
  );
});

it('sends a body of another kind, bytes included', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const http = clientOf([server]);
  await http.request('POST', '/wsman', { body: { type: 'application/soap+xml', content: '<é/>' } });
  await http.request('POST', '/raw', { body: { type: 'text/plain', content: Buffer.from('ü') } });
  assert.deepEqual(
    server.seen.map(({ body, headers }) => [body, headers['content-type']]),
    [
      ['<é/>', 'application/soap+xml'],
      ['ü', 'text/plain'],
    ],
  );
});

it('states the length of a change without a body, and none for reading and deleting', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const http = clientOf([server]);
  for (const method of ['POST', 'PUT', 'PATCH', 'GET', 'HEAD', 'DELETE'] as const) {
    assert.equal((await http.request(method, '/x')).status, 200);
  }
  const empty = { body: { type: 'text/plain', content: '' } };
  assert.equal((await http.request('POST', '/x', empty)).status, 200);
  assert.deepEqual(
    server.seen.map(({ headers }) => headers['content-length']),
    ['0', '0', '0', undefined, undefined, undefined, '0'],
  );
});

it('sends path and query without touching them', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const http = clientOf([{ url: `${server.url}/api/` }]);
  const query = { 'a b': 'ä/?&', gone: undefined, list: ['1', '2'], n: 0, yes: false };
  await http.request('DELETE', '/a%2Fb/%2e%2e/./c;d=1', { query });
  assert.equal(
    server.seen[0]?.target,
    '/api/a%2Fb/%2e%2e/./c;d=1?a%20b=%C3%A4%2F%3F%26&list=1&list=2&n=0&yes=false',
  );
});

it('refuses what a request cannot be before anything is sent', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const http = clientOf([server]);
  const wrong = [
    http.request('DELETE', '/x', { json: {} }),
    http.request('GET', '/x', { form: {} }),
    http.request('POST', '/x', { json: {}, form: {} }),
    http.request('GET', 'x'),
    http.request('GET', '/x?y=1'),
    http.request('GET', '/x y'),
    http.request('GET', '/x\r\nHost: y'),
  ];
  for (const work of wrong) assert.equal((await failureOf(work)).kind, 'internal');
  assert.equal(server.connections(), 0);
});

it('sends the headers of the client and lets a request replace them', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const http = clientOf([server], { headers: { Authorization: 'one', 'X-Own': 'a' } });
  await http.request('GET', '/', { headers: { authorization: 'two' } });
  await http.request('GET', '/');
  const [first, second] = server.seen;
  assert.equal(first?.headers.authorization, 'two');
  assert.equal(first?.headers['x-own'], 'a');
  assert.equal(second?.headers.authorization, 'one');
});

it('refuses a header that no header can hold without repeating it', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const headers = { authorization: 'geheim\r\nx: y' };
  const failure = await failureOf(clientOf([server], { headers }).request('GET', '/'));
  assert.equal(failure.kind, 'config');
  assert.match(failure.message, /header authorization/);
  assert.doesNotMatch(failure.message, /geheim/);
});

it('hands back every status as a reply with its reason', async (t) => {
  const server = await serve(t, ({ target }, response) => {
    response.writeHead(Number(target.slice(1)), 'no quorum: try later').end('{"data":null}');
  });
  const http = clientOf([server]);
  for (const status of [201, 302, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504, 595]) {
    const reply = await http.request('GET', `/${status}`);
    assert.deepEqual([reply.status, reply.reason], [status, 'no quorum: try later']);
    assert.deepEqual(reply.json(), { data: null });
  }
  assert.equal(server.seen.length, 14, 'one request each');
});

it('answers without a body where there is none', async (t) => {
  const server = await serve(t, ({ method }, response) => {
    if (method === 'HEAD') response.writeHead(200, { 'content-length': 5 }).end();
    else response.writeHead(204).end();
  });
  const http = clientOf([server]);
  const head = await http.request('HEAD', '/');
  assert.deepEqual([head.status, head.text, head.header('content-length')], [200, '', '5']);
  assert.deepEqual((await http.request('DELETE', '/')).text, '');
});

it('keeps repeated headers apart and together', async (t) => {
  const server = await serve(t, (_, response) => {
    response.setHeader('WWW-Authenticate', ['Negotiate', 'Basic realm="WSMAN"']);
    response.end();
  });
  const reply = await clientOf([server]).request('GET', '/');
  assert.deepEqual(reply.headers('www-authenticate'), ['Negotiate', 'Basic realm="WSMAN"']);
  assert.equal(reply.header('Www-Authenticate'), 'Negotiate, Basic realm="WSMAN"');
  assert.equal(reply.header('x-none'), undefined);
});

it('says what came in place of JSON', async (t) => {
  const page = `<html>\r\n\u0007${'login '.repeat(40)}`;
  const server = await serve(t, ({ target }, response) => {
    response.end(target === '/page' ? page : '');
  });
  const http = clientOf([server]);
  const reply = await http.request('GET', '/page');
  const start = `<html> ${'login '.repeat(40)}`.slice(0, 80);
  assert.throws(reply.json, {
    kind: 'upstream',
    message: `Test system at ${server.url} answered GET /page with 200 OK and no JSON but "${start}"`,
  });
  const empty = await http.request('GET', '/empty');
  assert.throws(empty.json, { kind: 'upstream', message: /an empty body$/ });
});

it('keeps one connection for requests one after the other', async (t) => {
  const server = await serve(t, (_, response) => response.end('x'.repeat(100_000)));
  const http = clientOf([server], { maxSockets: 1 });
  for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'GET'] as const) {
    await http.request(method, '/');
  }
  assert.equal(server.connections(), 1);
});

it('opens no more connections at once than it may', async (t) => {
  const server = await serve(t, (_, response) => setTimeout(() => response.end(), 20));
  for (const maxSockets of [1, 3]) {
    const before = server.connections();
    const http = clientOf([server], { maxSockets });
    await Promise.all(Array.from({ length: 9 }, () => http.request('GET', '/')));
    assert.equal(server.connections() - before, maxSockets);
    http.close();
  }
});

it('shows the certificate of the connection that served a request', async (t) => {
  const server = await serve(t, (_, response) => response.end(), { key: 'rsa-2048' });
  const http = clientOf([server], { tls: { verify: false, fingerprints: [] } });
  for (let i = 0; i < 2; i += 1) {
    const reply = await http.request('GET', '/');
    assert.equal(reply.certificate()?.toString('hex'), derOf('rsa-2048').toString('hex'));
  }
});

it('speaks plain http only where that is allowed', async (t) => {
  const server = await serve(t, (_, response) => response.end('{}'), { plain: true });
  assert.throws(() => clientOf([server]), { kind: 'config', message: /is plain http/ });
  const reply = await clientOf([server], { allowPlainHttp: true }).request('POST', '/', {
    json: {},
  });
  assert.deepEqual([reply.status, reply.certificate()], [200, undefined]);
});

it('takes an IPv6 address in a URL', async (t) => {
  const server = await serveOverIpv6(t, 'trusted');
  if (server === undefined) return t.skip('this machine has no IPv6 address ::1');
  const reply = await clientOf([server]).request('GET', '/');
  assert.equal(reply.endpoint, `https://[::1]:${server.port}`);
  assert.equal(server.seen[0]?.headers.host, `[::1]:${server.port}`);
});

it('refuses a certificate that is not for the IPv6 address', async (t) => {
  const server = await serveOverIpv6(t, 'other-name');
  if (server === undefined) return t.skip('this machine has no IPv6 address ::1');
  const failure = await failureOf(clientOf([server]).request('GET', '/'));
  assert.match(failure.message, /is for pve1\.example\.org, pve2\.example\.org, not ::1$/);
});

async function serveOverIpv6(t: TestContext, key: KeyName): Promise<FakeServer | undefined> {
  try {
    return await serve(t, (_, response) => response.end('{}'), { host: '::1', key });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    assert.match(code, /^(EADDRNOTAVAIL|EAFNOSUPPORT)$/);
    return undefined;
  }
}

it('reaches a server by another address of its name when the first is dead', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const reply = await clientOf([{ url: `https://localhost:${server.port}` }]).request('GET', '/');
  assert.equal(reply.status, 200);
});

it('logs method, path, status, time and endpoint, and nothing of what was sent', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(403).end());
  const lines: [string, Readonly<Record<string, unknown>> | undefined][] = [];
  const log: typeof silent = (event, facts) => void lines.push([event, facts]);
  const http = clientOf([server], { log, headers: { authorization: 'geheim' } });
  await http.request('POST', '/login', { query: { q: 'geheim' }, form: { password: 'geheim' } });
  const [[event, facts] = ['', {}]] = lines;
  const { ms, ...rest } = facts ?? {};
  assert.equal(typeof ms, 'number');
  assert.deepEqual(
    [lines.length, event, rest],
    [
      1,
      'http',
      { level: 'debug', method: 'POST', path: '/login', status: 403, endpoint: server.url },
    ],
  );
});

it('hands back an answer that came before the request was read', async (t) => {
  const server = await serveRaw(t, (socket) => {
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Too large\r\nContent-Length: 2\r\n\r\nno');
    });
  });
  const content = Buffer.alloc(20_000_000);
  const body = { type: 'application/octet-stream', content };
  const reply = await clientOf([server]).request('PUT', '/', { body });
  assert.deepEqual([reply.status, reply.text], [413, 'no']);
});

it('takes an answer that ends with its connection', async (t) => {
  const server = await serveRaw(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall'));
  });
  const http = clientOf([server]);
  for (let i = 0; i < 2; i += 1) assert.equal((await http.request('POST', '/')).text, 'all');
});

it('takes an answer that asks to close the connection', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { connection: 'close' }).end('{}');
  });
  const http = clientOf([server], { maxSockets: 1 });
  for (let i = 0; i < 2; i += 1) assert.deepEqual((await http.request('POST', '/')).json(), {});
  assert.equal(server.connections(), 2);
});

it('keeps a connection that a relayed answer wants closed and its server keeps open', async (t) => {
  const relayed = 'HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: Keep-Alive\r\n';
  const server = await serveRaw(t, (socket) => {
    socket.on('data', () => socket.write(`${relayed}Content-Length: 2\r\n\r\n{}`));
  });
  const http = clientOf([server]);
  for (let i = 0; i < 3; i += 1) await http.request('POST', '/');
  assert.equal(server.connections(), 1);
});

it('takes a chunked answer and one after an informational status', async (t) => {
  const server = await serve(t, ({ target }, response) => {
    if (target === '/processing') response.writeProcessing();
    response.write('{"a"');
    response.end(':1}');
  });
  const http = clientOf([server]);
  for (const path of ['/', '/processing']) {
    assert.deepEqual((await http.request('GET', path)).json(), { a: 1 });
  }
});
