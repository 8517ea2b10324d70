import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { authority, fingerprintOf, type KeyName, readKey } from '../../fakes/http/keys.ts';
import { type Failure, wasNotSent } from '../../src/failure.ts';
import { readEndpoint } from '../../src/kit/http/address.ts';
import { createVerifier, type Tls } from '../../src/kit/http/tls.ts';
import { clientOf, failureOf, serve, serveRaw } from '../support/http-client.ts';

const one = fingerprintOf('self-signed');
const other = fingerprintOf('renewed');
const pinned = (...fingerprints: string[]): Tls => ({ verify: true, fingerprints });

async function accepts(t: TestContext, key: KeyName, tls: Tls): Promise<void> {
  const server = await serve(t, (_, response) => response.end(), { key });
  const { status } = await clientOf([server], { tls }).request('GET', '/');
  assert.equal(status, 200);
  assert.ok(server.bytes() > 0);
}

/** The failure of a request to a server that must not have heard a byte of it. */
async function refusal(t: TestContext, key: KeyName, tls: Tls, host = '127.0.0.1') {
  const server = await serve(t, (_, response) => response.end(), { key });
  const url = `https://${host}:${server.port}`;
  const http = clientOf([{ url }], { tls, headers: { authorization: 'geheim' } });
  const failure: Failure = await failureOf(http.request('POST', '/', { json: {} }));
  await server.left();
  assert.equal(server.bytes(), 0);
  assert.equal(server.connections(), 1, 'tried once');
  assert.equal(failure.kind, 'unreachable');
  assert.equal(wasNotSent(failure), true);
  const { message, advice = '' } = failure;
  assert.doesNotMatch(advice, /verify|switch|off\b/, 'never the advice to look away');
  return { text: message.replace(`${host}:${server.port}`, 'HOST'), advice };
}

it('accepts a pinned certificate, with or without colons, in any case', async (t) => {
  await accepts(t, 'self-signed', pinned(one));
  await accepts(t, 'self-signed', pinned(one.toLowerCase()));
  await accepts(t, 'self-signed', pinned(one.replaceAll(':', '').toLowerCase()));
});

it('accepts any of several pinned certificates', async (t) => {
  await accepts(t, 'self-signed', pinned(other, one));
});

it('accepts a pinned certificate for another name', async (t) => {
  await accepts(t, 'other-name', pinned(fingerprintOf('other-name')));
});

it('sends nothing to a server whose certificate is not the pinned one', async (t) => {
  assert.deepEqual(await refusal(t, 'self-signed', pinned(other)), {
    text: `Test system at HOST shows another certificate than the pinned one: pinned ${other}, got ${one} (valid from 2026-01-01 until 2125-12-31)`,
    advice: `If you renewed the certificate, set tls_fingerprint to ${one}; if you did not, find out who answers there`,
  });
});

it('counts a pin more than an issuer', async (t) => {
  const tls = { ...pinned(other), ca: authority() };
  assert.match((await refusal(t, 'trusted', tls)).text, /another certificate than the pinned one/);
});

it('refuses a fingerprint that is none before connecting', () => {
  for (const wrong of ['', 'AA:BB', `${one}:00`, one.slice(1), one.replace('D', 'X')]) {
    assert.throws(() => clientOf([{ url: 'https://localhost' }], { tls: pinned(wrong) }), {
      kind: 'config',
      message: /not the SHA-256 fingerprint/,
    });
  }
});

it('accepts a certificate of the given authority', async (t) => {
  await accepts(t, 'trusted', { verify: true, fingerprints: [], ca: authority() });
});

it('accepts every certificate where checking is switched off', async (t) => {
  for (const key of ['self-signed', 'expired', 'other-name'] as const) {
    await accepts(t, key, { verify: false, fingerprints: [] });
  }
});

const verifying: Tls = { verify: true, fingerprints: [], ca: authority() };
const pinOrIssuer = (seen: string): string =>
  `Compare its SHA-256 fingerprint on the server itself and set tls_fingerprint to ${seen}, or give its issuer's certificate as ca_file`;

it('names a self-signed certificate and how to trust it', async (t) => {
  assert.deepEqual(await refusal(t, 'self-signed', verifying), {
    text: 'The certificate of Test system at HOST is self-signed',
    advice: pinOrIssuer(one),
  });
});

it('names an unknown issuer', async (t) => {
  assert.deepEqual(await refusal(t, 'trusted', { verify: true, fingerprints: [] }), {
    text: 'The certificate of Test system at HOST has an unknown issuer (Outrigger test authority)',
    advice: pinOrIssuer(fingerprintOf('trusted')),
  });
});

it('names the day on which a certificate expired', async (t) => {
  const { text, advice } = await refusal(t, 'expired', verifying);
  assert.equal(text, 'The certificate of Test system at HOST expired on 2025-03-01');
  assert.match(advice, /^Renew it there/);
});

it('names the day from which on a certificate is valid', async (t) => {
  const { text } = await refusal(t, 'not-yet', verifying);
  assert.equal(text, 'The certificate of Test system at HOST is valid only from 2120-01-01 on');
});

it('names what a certificate is for when the host is another', async (t) => {
  const { text, advice } = await refusal(t, 'other-name', verifying, 'localhost');
  assert.equal(
    text,
    'The certificate of Test system at HOST is for pve1.example.org, pve2.example.org, not localhost',
  );
  assert.match(advice, /^Use one of its names in the url, or set tls_fingerprint to /);
});

it('says that a file of authorities cannot be read', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const tls = { verify: true, fingerprints: [], ca: '-----BEGIN CERTIFICATE-----\nnonsense' };
  const failure = await failureOf(clientOf([server], { tls }).request('GET', '/'));
  assert.deepEqual(
    [failure.kind, failure.message],
    ['config', 'The certificates in ca_file cannot be read'],
  );
  assert.equal(server.connections(), 0);
});

it('tells a server which of its names is asked for, and none where that is an address', async (t) => {
  const names: unknown[] = [];
  const server = await serveRaw(t, (socket) => {
    names.push('servername' in socket ? socket.servername : 'plain');
    socket.on('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
  });
  for (const host of ['localhost', '127.0.0.1']) {
    const url = `https://${host}:${server.port}`;
    assert.equal((await clientOf([{ url }]).request('GET', '/')).status, 204);
  }
  assert.deepEqual(names, ['localhost', false]);
});

it('says that a port speaks no TLS', async (t) => {
  const server = await serve(t, (_, response) => response.end(), { plain: true });
  const url = `https://127.0.0.1:${server.port}`;
  const failure = await failureOf(clientOf([{ url }]).request('POST', '/'));
  assert.deepEqual(
    [failure.message, failure.advice, wasNotSent(failure)],
    [`Test system at ${url} does not speak TLS on this port`, 'Check the port in the url', true],
  );
});

it('says that the TLS of a server is too old', async (t) => {
  const server = await serveRaw(t, () => {}, { maxVersion: 'TLSv1.1' });
  const failure = await failureOf(clientOf([server]).request('POST', '/'));
  assert.match(failure.message, /found no common TLS version or cipher \([\w ]+\)$/);
  assert.deepEqual([failure.kind, wasNotSent(failure)], ['unreachable', true]);
});

it('has words for certificates that few have', () => {
  const verifier = createVerifier({ verify: true, fingerprints: [] }, 'Test system');
  const endpoint = readEndpoint('https://a.test', { title: 'Test system' });
  const told = (authorizationError: string, certificate: object) => {
    const getPeerCertificate = () => certificate;
    const socket = { authorized: false, authorizationError, getPeerCertificate };
    const { message = '' } = verifier.verify(socket as unknown as TLSSocket, endpoint) ?? {};
    return message.replace('The certificate of Test system at a.test:443 ', '');
  };
  const [name, issuer] = ['ERR_TLS_CERT_ALTNAME_INVALID', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'];
  assert.equal(told(name, { subject: { CN: 'pve1' } }), 'is for pve1, not a.test');
  assert.equal(told(name, { subject: {} }), 'is for no name at all, not a.test');
  assert.equal(told(name, {}), 'is for no name at all, not a.test');
  assert.equal(told(issuer, { issuer: { O: 'Acme' } }), 'has an unknown issuer (Acme)');
  assert.equal(told(issuer, { issuer: {} }), 'has an unknown issuer (without a name)');
  assert.equal(told('CERT_REVOKED', {}), 'is not accepted (CERT_REVOKED)');
  assert.equal(
    told('CERT_HAS_EXPIRED', { valid_to: 'Dec 31 23:59:59 2125 GMT' }),
    'has an issuer whose own certificate has expired',
  );
});

it('shows the server the client certificate, pinned or not', async (t) => {
  const names: string[] = [];
  const asking = { ...readKey('trusted'), requestCert: true, rejectUnauthorized: false };
  const server = createServer(asking, ({ socket }, response) => {
    names.push((socket as TLSSocket).getPeerCertificate().fingerprint256);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ways: Tls[] = [
    pinned(fingerprintOf('trusted')),
    { verify: false, fingerprints: [] },
    { verify: true, fingerprints: [], ca: authority() },
  ];
  for (const way of ways) {
    const tls = { ...way, client: readKey('renewed') };
    const http = clientOf([{ url: `https://127.0.0.1:${port}` }], { tls });
    assert.equal((await http.request('GET', '/')).status, 200);
    http.close();
  }
  assert.deepEqual(names, Array(3).fill(other));
});

it('says that a client certificate and a key do not fit, and asks nothing', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const { cert } = readKey('renewed');
  for (const key of [readKey('trusted').key, 'no PEM']) {
    const tls = { ...pinned(fingerprintOf('trusted')), client: { cert, key } };
    const failure = await failureOf(clientOf([server], { tls }).request('GET', '/'));
    assert.equal(failure.kind, 'config');
    assert.match(failure.message, /client's certificate and key cannot be used/);
  }
  assert.equal(server.connections(), 0);
});
