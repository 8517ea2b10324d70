import type { PeerCertificate, SecureContextOptions, TLSSocket } from 'node:tls';
import { Failure } from '../../failure.ts';
import type { Endpoint } from './address.ts';

/** The servers to trust: the pinned certificates if there are any, else what `verify` and `ca` say. */
export interface Tls {
  readonly verify: boolean;
  /** SHA-256 of accepted server certificates, with or without colons, in any case. */
  readonly fingerprints: readonly string[];
  /** PEM of the issuers to trust in place of the public ones. */
  readonly ca?: string;
  /** PEM of the certificate and key by which the server knows us. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** A SHA-256 fingerprint as openssl and browsers show it, or without the colons. */
const fingerprintPattern = /^[0-9a-f]{2}(:?[0-9a-f]{2}){31}$/i;

/** Decides over a server once its handshake is done and before it is told anything. */
export interface Verifier {
  readonly options: SecureContextOptions;
  /** The failure to throw instead of using the connection. */
  verify(socket: TLSSocket, endpoint: Endpoint): Failure | undefined;
}

/** Fails with `config` for a fingerprint that is none. */
export function createVerifier({ verify, fingerprints, ca, client }: Tls, title: string): Verifier {
  const pins = fingerprints.map(withColons);
  if (pins.length > 0) {
    return {
      options: { ...noIssuers, ...client },
      verify: (socket, endpoint) => pinRefusal(pins, socket.getPeerCertificate(), title, endpoint),
    };
  }
  if (!verify) return { options: { ...noIssuers, ...client }, verify: () => undefined };
  return {
    options: { ...(ca === undefined ? {} : { ca }), ...client },
    verify: (socket, endpoint) =>
      socket.authorized ? undefined : issuerRefusal(socket, title, endpoint),
  };
}

/** Spares Node the reading of some 140 public issuers that would not be asked anyway. */
const noIssuers: SecureContextOptions = { ca: [] };

function withColons(fingerprint: string): string {
  if (!fingerprintPattern.test(fingerprint.trim())) {
    throw new Failure(
      'config',
      `"${fingerprint}" is not the SHA-256 fingerprint of a certificate`,
      {
        advice: 'It has 64 hexadecimal digits, with or without colons between each two',
      },
    );
  }
  const digits = fingerprint.replace(/[^0-9a-f]/gi, '').toUpperCase();
  return (digits.match(/../g) ?? []).join(':');
}

function pinRefusal(
  pins: readonly string[],
  certificate: PeerCertificate,
  title: string,
  { authority }: Endpoint,
): Failure | undefined {
  const seen = certificate.fingerprint256;
  if (pins.includes(seen)) return undefined;
  const text = `${title} at ${authority} shows another certificate than the pinned one: pinned ${pins.join(' or ')}, got ${seen} (valid from ${day(certificate.valid_from)} until ${day(certificate.valid_to)})`;
  return refused('TLS_PIN', text, {
    advice: `If you renewed the certificate, set tls_fingerprint to ${seen}; if you did not, find out who answers there`,
  });
}

/** In an operator's words; the codes are OpenSSL's and Node's. */
function issuerRefusal(socket: TLSSocket, title: string, endpoint: Endpoint): Failure {
  const code = String(socket.authorizationError ?? 'no reason given');
  const certificate = socket.getPeerCertificate();
  const seen = certificate.fingerprint256;
  const subject = `The certificate of ${title} at ${endpoint.authority}`;
  const pin = `set tls_fingerprint to ${seen}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return refused('TLS_NAME', `${subject} is for ${namesIn(certificate)}, not ${endpoint.host}`, {
      advice: `Use one of its names in the url, or ${pin}`,
    });
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return refused('TLS_EXPIRED', `${subject} ${expiry(certificate)}`, {
      advice: `Renew it there, or compare its SHA-256 fingerprint on the server itself and ${pin}`,
    });
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return refused(
      'TLS_NOT_YET',
      `${subject} is valid only from ${day(certificate.valid_from)} on`,
      {
        advice: 'Compare the clocks of both servers',
      },
    );
  }
  return refused('TLS_ISSUER', `${subject} ${issuer(certificate, code)}`, {
    advice: `Compare its SHA-256 fingerprint on the server itself and ${pin}, or give its issuer's certificate as ca_file`,
  });
}

function expiry({ valid_to: end }: PeerCertificate): string {
  return Date.parse(end) < Date.now()
    ? `expired on ${day(end)}`
    : 'has an issuer whose own certificate has expired';
}

function issuer({ issuer: by }: PeerCertificate, code: string): string {
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') return 'is self-signed';
  const name = [by?.CN, by?.O].flat().find((one) => one !== undefined);
  const known = /^(SELF_SIGNED|UNABLE_TO_(GET|VERIFY))/.test(code);
  return known
    ? `has an unknown issuer (${name ?? 'without a name'})`
    : `is not accepted (${code})`;
}

function namesIn({ subjectaltname, subject }: PeerCertificate): string {
  const names = subjectaltname?.replace(/\b(DNS|IP Address):/g, '');
  return (names ?? [subject?.CN].flat().join(', ')) || 'no name at all';
}

function refused(code: string, text: string, options: { readonly advice: string }): Failure {
  return new Failure('unreachable', text, { ...options, remote: { code, sent: 'no' } });
}

function day(date: string): string {
  const time = Date.parse(date);
  return Number.isNaN(time) ? date : new Date(time).toISOString().slice(0, 10);
}
