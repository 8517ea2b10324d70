import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { fingerprintOf } from '../../fakes/http/keys.ts';
import type { Log } from '../../src/contract/context.ts';
import { wasNotSent } from '../../src/failure.ts';
import {
  clientOf,
  deadlineIn,
  failureOf,
  nobody,
  serve,
  serveRaw,
} from '../support/http-client.ts';

/** Answers every request of a connection with a text as it stands. */
function answering(text: string, then: (socket: Socket) => void = () => {}) {
  return (socket: Socket): void => {
    socket.on('data', () => socket.write(text, () => then(socket)));
  };
}

const cutOff = (socket: Socket): void => void socket.destroy();
const fine = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';

/** Takes connections and says nothing, not even its part of TLS. */
async function silentServer(
  t: TestContext,
  left: () => void = () => {},
): Promise<{ readonly url: string }> {
  const open: Socket[] = [];
  const server = createServer((socket) => {
    // Nobody learns of the end of what is not read.
    open.push(
      socket
        .on('error', () => {})
        .on('close', left)
        .resume(),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Which endpoints were asked, in turn. */
function recorded(): { readonly log: Log; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return { asked, log: (_, facts) => void asked.push(facts?.['endpoint']) };
}

it('says that nobody listens, after trying again', async () => {
  const place = await nobody();
  for (const method of ['GET', 'POST'] as const) {
    const { asked, log } = recorded();
    const failure = await failureOf(clientOf([place], { log }).request(method, '/'));
    assert.deepEqual([failure.kind, failure.outage], ['unreachable', true]);
    assert.equal(failure.message, `Test system at ${place.url} refused the connection`);
    assert.deepEqual(failure.remote, { sent: 'no', code: 'ECONNREFUSED' });
    assert.equal(wasNotSent(failure), true);
    assert.equal(asked.length, 3);
  }
});

it('says that a name does not exist, or that nobody could tell', async () => {
  const failure = await failureOf(clientOf([{ url: 'https://pve.invalid' }]).request('POST', '/'));
  assert.match(
    failure.message,
    /^The name pve\.invalid of Test system (does not exist|could not be)/,
  );
  assert.deepEqual([failure.kind, wasNotSent(failure)], ['unreachable', true]);
});

it('repeats a read, and only that, when the connection breaks inside the header', async (t) => {
  const server = await serveRaw(t, answering('HTTP/1.1 200 OK\r\nContent-Le', cutOff));
  const text = `Test system at ${server.url} closed the connection without answering`;
  const read = await failureOf(clientOf([server]).request('GET', '/a', { query: { b: 1 } }));
  assert.equal(read.message, `${text} GET /a`);
  assert.equal(server.connections(), 3);
  const change = await failureOf(clientOf([server]).request('POST', '/a'));
  assert.equal(change.message, `${text} POST /a`);
  assert.equal(server.connections(), 4);
  assert.deepEqual([change.kind, wasNotSent(change)], ['unreachable', false]);
});

it('never takes half an answer for a whole one', async (t) => {
  const halves = [
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"a":',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
  ];
  for (const half of halves) {
    const server = await serveRaw(
      t,
      answering(half, (socket) => socket.end()),
    );
    const failure = await failureOf(clientOf([server]).request('PUT', '/x'));
    assert.equal(
      failure.message,
      `Test system at ${server.url} broke off its answer to PUT /x after 5 bytes`,
    );
    assert.deepEqual(failure.remote, { sent: 'maybe', code: 'ECONNRESET' });
    assert.equal(server.connections(), 1);
  }
});

it('gets an answer from a server that failed twice on the way', async (t) => {
  const server = await serveRaw(t, (socket, number) => {
    if (number < 3) socket.destroy();
    else answering(fine)(socket);
  });
  const reply = await clientOf([server]).request('GET', '/');
  assert.deepEqual(reply.json(), {});
  assert.equal(server.connections(), 3);
});

it('repeats only a read when a kept connection is closed in the same moment', async (t) => {
  const handle = (socket: Socket): void => {
    socket.once('data', () => {
      socket.write(fine);
      socket.once('data', () => socket.destroy());
    });
  };
  const server = await serveRaw(t, handle);
  const http = clientOf([server]);
  await http.request('GET', '/');
  assert.equal((await http.request('GET', '/')).status, 200);
  assert.equal(server.connections(), 2);
  const failure = await failureOf(http.request('DELETE', '/'));
  assert.equal(wasNotSent(failure), false);
  assert.equal(server.connections(), 2);
});

it('sends a change on a new connection when the kept one has been closed', async (t) => {
  const server = await serveRaw(
    t,
    answering(fine, (socket) => void socket.end()),
  );
  const http = clientOf([server]);
  for (let i = 1; i <= 2; i += 1) {
    assert.equal((await http.request('POST', '/')).status, 200);
    await server.left();
  }
  assert.equal(server.connections(), 2);
});

it('ends a slow drip with the deadline and closes the connection', async (t) => {
  const server = await serveRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 5);
    socket.on('close', () => clearInterval(drip));
  });
  const startedMs = performance.now();
  const failure = await failureOf(
    clientOf([server], { deadline: deadlineIn(150) }).request('GET', '/slow'),
  );
  assert.ok(performance.now() - startedMs < 1000);
  assert.equal(failure.kind, 'timeout');
  assert.match(
    failure.message,
    /^Gave up after 0\.[12] s while waiting for Test system at \S+ to answer GET \/slow$/,
  );
  assert.deepEqual(failure.remote, { sent: 'maybe', code: 'TIMEOUT' });
  assert.equal(server.connections(), 1);
  await server.left();
});

it('closes what it gave up on: a connection in the making and a kept one', {
  timeout: 5000,
}, async (t) => {
  let left = (): void => {};
  const gone = new Promise<void>((resolve) => {
    left = resolve;
  });
  const place = await silentServer(t, left);
  const making = clientOf([place], { connectMs: 60_000 }).request('GET', '/', { limitMs: 60 });
  assert.equal((await failureOf(making)).kind, 'timeout');
  await gone;
  const server = await serve(t, ({ target }, response) => {
    if (target === '/quick') response.end();
  });
  const http = clientOf([server]);
  await http.request('GET', '/quick');
  const failure = await failureOf(http.request('GET', '/slow', { limitMs: 60 }));
  assert.deepEqual([failure.kind, server.connections()], ['timeout', 1]);
  await server.left();
});

it('takes a change of protocol for no answer, without waiting', { timeout: 5000 }, async (t) => {
  const upgrade = 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n';
  const server = await serveRaw(t, answering(upgrade));
  const failure = await failureOf(clientOf([server]).request('POST', '/'));
  assert.match(failure.message, /closed the connection without answering POST \/$/);
  assert.deepEqual([failure.kind, wasNotSent(failure)], ['unreachable', false]);
});

it('ends a request at its own limit, the client going on', async (t) => {
  const server = await serve(t, ({ target }, response) => {
    if (target === '/quick') response.end();
  });
  const http = clientOf([server]);
  await http.request('GET', '/quick');
  const failure = await failureOf(http.request('POST', '/slow', { limitMs: 60 }));
  assert.equal(
    failure.message,
    `Gave up after 0.06 s while waiting for Test system at ${server.url} to answer POST /slow`,
  );
  assert.deepEqual([failure.kind, failure.outage], ['timeout', false]);
  assert.equal((await http.request('GET', '/quick', { limitMs: 60_000 })).status, 200);
});

it('ends a request at once when the work is cut short', async (t) => {
  const server = await serve(t, () => deadline.cutShort('Stopped by SIGTERM', 100));
  const deadline = deadlineIn(60_000);
  const failure = await failureOf(clientOf([server], { deadline }).request('GET', '/'));
  assert.match(failure.message, /^Stopped by SIGTERM while waiting for Test system/);
});

it('sends nothing once the time is up, except with the time for undo', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const deadline = deadlineIn(0);
  const http = clientOf([server], { deadline });
  const failure = await failureOf(http.request('POST', '/'));
  assert.deepEqual([failure.kind, wasNotSent(failure)], ['timeout', true]);
  assert.equal(server.connections(), 0);
  const undo = { deadline: deadline.forUndo() };
  assert.equal((await http.request('DELETE', '/', undo)).status, 200);
});

it('sends nothing of a request whose turn does not come in time', async (t) => {
  const server = await serve(t, ({ target }, response) => {
    if (target === '/second') response.end();
  });
  const http = clientOf([server], { maxSockets: 1 });
  const first = failureOf(http.request('GET', '/first', { limitMs: 600 }));
  const failure = await failureOf(http.request('POST', '/second', { limitMs: 50 }));
  assert.deepEqual([failure.kind, wasNotSent(failure)], ['timeout', true]);
  assert.equal((await first).kind, 'timeout');
  assert.equal((await http.request('POST', '/second')).status, 200);
  assert.equal(server.seen.length, 2);
});

it('waits for a connection only so long', async (t) => {
  const place = await silentServer(t);
  const { asked, log } = recorded();
  const failure = await failureOf(clientOf([place], { connectMs: 50, log }).request('POST', '/'));
  assert.equal(failure.message, `Test system at ${place.url} did not take the connection in time`);
  assert.deepEqual(failure.remote, { sent: 'no', code: 'ETIMEDOUT' });
  assert.deepEqual([failure.kind, asked.length], ['unreachable', 1]);
});

it('waits once and shortly for a system that was unreachable moments ago, until it answers', async (t) => {
  const [place, server] = [await silentServer(t), await serve(t, (_, response) => response.end())];
  const startedMs = performance.now();
  const failure = await failureOf(clientOf([place], { suspect: true }).request('GET', '/'));
  const waitedMs = performance.now() - startedMs;
  assert.equal(failure.kind, 'unreachable');
  assert.ok(waitedMs > 1_500 && waitedMs < 4_500, `${waitedMs} ms`);
  const { asked, log } = recorded();
  const http = clientOf([server], { suspect: true, log });
  assert.equal((await http.request('GET', '/')).status, 200);
  await server.close();
  // Now as for any other system: trouble on the way is tried again.
  await failureOf(http.request('GET', '/'));
  assert.equal(asked.length, 4);
});

describe('the first answer of a system that takes connections', { concurrency: true }, () => {
  it('is given up after 5 s where the system was unreachable moments ago, but never that to a change', async (t) => {
    const deaf = await serve(t, () => {});
    const asked = async (method: 'GET' | 'POST') => {
      const startedMs = performance.now();
      const deadline = deadlineIn(7_500);
      const failure = await failureOf(
        clientOf([deaf], { suspect: true, deadline }).request(method, '/x'),
      );
      return { failure, waitedMs: performance.now() - startedMs };
    };
    const [read, change] = await Promise.all([asked('GET'), asked('POST')]);
    assert.equal(
      read.failure.message,
      `Test system at ${deaf.url} was unreachable moments ago and now took the connection, but did not answer GET /x within 5 s`,
    );
    assert.deepEqual(
      [read.failure.kind, read.failure.reason, read.failure.outage],
      ['unreachable', 'short-wait', true],
    );
    assert.ok(read.waitedMs < 7_000, `${read.waitedMs} ms`);
    assert.deepEqual([change.failure.kind, change.failure.outage], ['timeout', false]);
    assert.ok(change.waitedMs > 7_000, `${change.waitedMs} ms`);
    assert.equal(deaf.seen.length, 2, 'each is asked once');
  });

  it('is waited for to the end where the system is slow and answered before', async (t) => {
    const slow = await serve(t, ({ target }, response) => {
      setTimeout(() => response.end(), target === '/slow' ? 5_500 : 0);
    });
    const http = clientOf([slow], { suspect: true });
    assert.equal((await http.request('GET', '/')).status, 200);
    assert.equal((await http.request('GET', '/slow')).status, 200);
  });

  it('tells an outage after more than 5 s without any, and nothing where one came before', async (t) => {
    const deaf = await serve(t, ({ target }, response) => {
      if (target === '/') response.end();
    });
    const end = async (method: 'GET' | 'POST', before: boolean) => {
      const http = clientOf([deaf], { deadline: deadlineIn(5_600) });
      if (before) await http.request('GET', '/');
      return (await failureOf(http.request(method, '/deaf'))).outage;
    };
    const ends = [end('GET', false), end('GET', true), end('POST', false)];
    assert.deepEqual(await Promise.all(ends), [true, false, false]);
  });

  it('leaves half of the time for the next endpoint', async (t) => {
    const deaf = await serve(t, () => {});
    const well = await serve(t, (_, response) => response.end());
    const http = clientOf([deaf, well], { deadline: deadlineIn(2_000) });
    assert.equal((await http.request('GET', '/')).endpoint, well.url);
    assert.equal((await http.request('GET', '/')).endpoint, well.url, 'the one that answers');
    assert.deepEqual([deaf.seen.length, well.seen.length], [1, 2]);
  });
});

it('takes more than a second without a connection for an outage, less for haste', async (t) => {
  const [place, deaf] = [await silentServer(t), await serve(t, () => {})];
  const end = (server: { readonly url: string }, ms: number) =>
    failureOf(clientOf([server], { deadline: deadlineIn(ms) }).request('GET', '/'));
  const ends = [end(place, 1100), end(place, 50), end(deaf, 1100)];
  const [long, short, late] = await Promise.all(ends);
  assert.match(
    long?.message ?? '',
    /^Gave up after 1\.1 s while connecting to Test system at \S+$/,
  );
  assert.deepEqual(
    [long, short, late].map((failure) => [failure?.kind, failure?.outage, failure?.remote.sent]),
    [
      ['timeout', true, 'no'],
      ['timeout', false, 'no'],
      ['timeout', false, 'maybe'],
    ],
  );
});

it('takes no more of an answer than it may, and does not ask again', async (t) => {
  const server = await serveRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const pour = (): void => {
      while (!socket.destroyed && socket.write('x'.repeat(65_536)));
    };
    socket.once('data', pour).on('drain', pour);
  });
  const failure = await failureOf(clientOf([server], { maxBytes: 2 ** 20 }).request('GET', '/all'));
  assert.equal(
    failure.message,
    `Test system at ${server.url} answered GET /all with more than 1024 KiB`,
  );
  assert.deepEqual([failure.kind, failure.outage], ['upstream', false]);
  assert.equal(server.connections(), 1);
  await server.left();
});

it('says that an answer is no HTTP', async (t) => {
  const server = await serveRaw(t, answering('220 mail.example.org ESMTP\r\n'));
  const failure = await failureOf(clientOf([server]).request('GET', '/'));
  assert.match(failure.message, /answered GET \/ with something that is not HTTP \(HPE_\w+\)$/);
  assert.deepEqual([failure.kind, server.connections()], ['upstream', 1]);
});

it('changes to the next endpoint when the first cannot be reached, and stays there', async (t) => {
  const [dead, server] = [await nobody(), await serve(t, (_, response) => response.end())];
  const { asked, log } = recorded();
  const http = clientOf([dead, server], { log });
  assert.equal((await http.request('POST', '/')).endpoint, server.url);
  assert.equal((await http.request('POST', '/')).endpoint, server.url);
  assert.deepEqual(asked, [dead.url, server.url, server.url]);
});

it('changes to the next endpoint when the certificate of the first is refused', async (t) => {
  const [first, second] = [
    await serve(t, (_, response) => response.end(), { key: 'renewed' }),
    await serve(t, (_, response) => response.end(), { key: 'self-signed' }),
  ];
  const tls = { verify: true, fingerprints: [fingerprintOf('self-signed')] };
  const reply = await clientOf([first, second], { tls }).request('POST', '/');
  assert.equal(reply.endpoint, second.url);
  assert.equal(first.bytes(), 0);
  const neither = { verify: true, fingerprints: [fingerprintOf('expired')] };
  const failure = await failureOf(clientOf([first, second], { tls: neither }).request('POST', '/'));
  assert.match(failure.message, /^No server of Test system could be used: .*pinned.*; .*pinned/);
  assert.equal(second.seen.length, 1, 'the second is judged like the first');
});

it('changes to the next endpoint in time when the first hangs', async (t) => {
  const hanging = await silentServer(t);
  const server = await serve(t, (_, response) => response.end());
  const deadline = deadlineIn(600);
  const reply = await clientOf([hanging, server], { deadline }).request('POST', '/');
  assert.equal(reply.endpoint, server.url);
});

it('leaves a change alone that may have reached the first endpoint', async (t) => {
  const breaking = await serveRaw(t, answering('HTTP/1.1 20', cutOff));
  const server = await serve(t, (_, response) => response.end());
  const failure = await failureOf(clientOf([breaking, server]).request('POST', '/'));
  assert.equal(wasNotSent(failure), false);
  assert.equal(server.seen.length, 0);
  const reply = await clientOf([breaking, server]).request('GET', '/');
  assert.equal(reply.endpoint, server.url);
});

it('names every endpoint that was tried in vain', async (t) => {
  const dead = await nobody();
  const other = await serve(t, () => {}, { key: 'self-signed' });
  const failure = await failureOf(clientOf([dead, other]).request('POST', '/'));
  assert.equal(
    failure.message,
    `No server of Test system could be used: Test system at ${dead.url} refused the connection; The certificate of Test system at 127.0.0.1:${other.port} is self-signed`,
  );
  assert.deepEqual(failure.remote, { sent: 'no', code: 'ECONNREFUSED' });
  assert.equal(failure.kind, 'unreachable');
});

it('tries again only while there is time for it', async () => {
  const { asked, log } = recorded();
  // After a pause of 100 ms there is not enough left for one of 300 ms.
  const http = clientOf([await nobody()], { deadline: deadlineIn(390), log });
  assert.equal((await failureOf(http.request('GET', '/'))).kind, 'unreachable');
  assert.equal(asked.length, 2);
});
