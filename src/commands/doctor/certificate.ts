import { isIP } from 'node:net';
import {
  connect,
  createSecureContext,
  type DetailedPeerCertificate,
  type TLSSocket,
} from 'node:tls';
import type { Check } from '../../contract/provider.ts';
import { type Failure, fullText } from '../../failure.ts';
import type { Endpoint } from '../../kit/http/address.ts';
import { transportFailure } from '../../kit/http/errors.ts';
import { createVerifier, type Tls } from '../../kit/http/tls.ts';
import { fail, ok, warn } from './finding.ts';

const soonMs = 30 * 24 * 3600 * 1000;

interface Seen {
  readonly certificate: DetailedPeerCertificate;
  readonly protocol: string;
  readonly refusal: Failure | undefined;
}

/** Whether the server is accepted, what it shows, when that ends, and how to pin it. */
export async function tlsChecks(
  title: string,
  endpoint: Endpoint,
  tls: Tls,
  timeoutMs: number,
): Promise<Check[]> {
  let seen: Seen;
  try {
    seen = await handshake(title, endpoint, tls, timeoutMs);
  } catch (thrown) {
    const failure = transportFailure(thrown, { title, endpoint, what: 'a handshake' }, 'no');
    return [fail('TLS', fullText(failure))];
  }
  const pin: Check = ok('fingerprint', `SHA-256 ${seen.certificate.fingerprint256}`);
  return [acceptance(seen, tls), chainCheck(seen.certificate), expiryCheck(seen, tls), pin];
}

function handshake(title: string, endpoint: Endpoint, tls: Tls, timeoutMs: number): Promise<Seen> {
  const verifier = createVerifier(tls, title);
  const { host, port } = endpoint;
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({
      ...{ host, port, autoSelectFamily: true, rejectUnauthorized: false },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      secureContext: createSecureContext(verifier.options),
    });
    const late = Object.assign(new Error('late'), { code: 'ETIMEDOUT' });
    socket.setTimeout(timeoutMs, () => socket.destroy(late));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate(true);
      const protocol = socket.getProtocol() ?? 'TLS';
      resolve({ certificate, protocol, refusal: verifier.verify(socket, endpoint) });
      socket.destroy();
    });
  });
}

function acceptance({ refusal, protocol, certificate }: Seen, tls: Tls): Check {
  if (refusal !== undefined) return fail('TLS', fullText(refusal));
  if (tls.fingerprints.length > 0) return ok('TLS', `${protocol}, the pinned certificate`);
  if (tls.verify) return ok('TLS', `${protocol}, issued by ${nameOf(certificate.issuer)}`);
  return warn(
    'TLS',
    `${protocol}, but the server is not verified: verify_tls_certificate is off`,
    `Pin it instead: tls_fingerprint=${certificate.fingerprint256}`,
  );
}

/** From the server's own certificate to the last one it sent or that is known. */
function chainCheck(certificate: DetailedPeerCertificate): Check {
  const names = chainOf(certificate).map(({ subject }) => nameOf(subject));
  return ok('certificates', names.join(', issued by '));
}

function expiryCheck({ certificate, refusal }: Seen, tls: Tls): Check {
  const ends = chainOf(certificate).map((each) => ({
    name: nameOf(each.subject),
    end: Date.parse(each.valid_to),
  }));
  const first = ends.reduce((a, b) => (b.end < a.end ? b : a));
  const day = new Date(first.end).toISOString().slice(0, 10);
  const leftMs = first.end - Date.now();
  const days = Math.floor(Math.abs(leftMs) / 86_400_000);
  if (leftMs > soonMs) return ok('expiry', `${day}, in ${days} days`);
  const pinned = tls.fingerprints.length > 0;
  const then = pinned ? 'and add the new fingerprint to tls_fingerprint beside the old one' : '';
  const advice = `Renew it on the remote system ${then}`.trim();
  if (leftMs > 0) return warn('expiry', `${first.name} expires on ${day}, in ${days} days`, advice);
  const found = `${first.name} expired on ${day}`;
  // The expiry of a pinned certificate is not checked, and a refusal has been reported already.
  return refusal === undefined ? warn('expiry', found, advice) : fail('expiry', found, advice);
}

function chainOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (let each: DetailedPeerCertificate | undefined = certificate; each?.raw !== undefined; ) {
    if (chain.includes(each) || chain.length > 8) break;
    chain.push(each);
    each = each.issuerCertificate;
  }
  return chain;
}

function nameOf(who: DetailedPeerCertificate['subject'] | undefined): string {
  const name = [who?.CN, who?.O].flat().find((one) => one !== undefined);
  return name ?? 'a name that is empty';
}
