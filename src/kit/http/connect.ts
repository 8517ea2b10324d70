import type { Socket } from 'node:net';
import type { PeerCertificate, SecureContext, TLSSocket } from 'node:tls';
import { Failure } from '../../failure.ts';
import type { Endpoint } from './address.ts';
import type { Verifier } from './tls.ts';

/** A connection in the making, so that a request that waits for it can give up. */
export interface Opening {
  readonly endpoint: Endpoint;
  /** How long the server may take to accept, TLS included. */
  readonly limitMs: number;
  socket?: Socket;
}

type X509 = typeof import('node:crypto').X509Certificate;

type Done = (error: Error | null, socket?: Socket) => void;

/**
 * Opens a connection and hands it over only when it is ready and its certificate has been accepted:
 * until then no request has a socket to be written to.
 */
export type Connect = (opening: Opening, done: Done) => void;

const certificates = new WeakMap<Socket, Buffer>();

/** The peer's certificate of a connection that was opened here, DER. */
export function certificateOf(socket: Socket): Buffer | undefined {
  return certificates.get(socket);
}

/** Loads what the connections of one client need; the trusted issuers are read once. */
export async function connectTls(verifier: Verifier): Promise<Connect> {
  const { connect, createSecureContext } = await import('node:tls');
  const { isIP } = await import('node:net');
  const { X509Certificate } = await import('node:crypto');
  const { ca } = verifier.options;
  if (typeof ca === 'string') checkIssuers(ca, X509Certificate);
  const secureContext = contextOf(() => createSecureContext(verifier.options));
  // Node's own check fails for every IPv6 address in 22.23, 24.17 and 26.4 (nodejs/node#64032).
  const checkServerIdentity = (host: string, { raw }: PeerCertificate): Error | undefined =>
    new X509Certificate(raw).checkIP(host) === undefined
      ? trouble('ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate is for another address')
      : undefined;
  return (opening, done) => {
    const { host, port } = opening.endpoint;
    const socket = connect({
      ...family,
      host,
      port,
      secureContext,
      // The verifier decides, with the certificate at hand for its sentence, before anything is sent.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(isIP(host) === 6 ? { checkServerIdentity } : {}),
    });
    handOver(socket, 'secureConnect', opening, done, () =>
      accept(socket, verifier, opening.endpoint),
    );
  };
}

export async function connectPlain(): Promise<Connect> {
  const { connect } = await import('node:net');
  return (opening, done) => {
    const { host, port } = opening.endpoint;
    handOver(connect({ ...family, host, port }), 'connect', opening, done, () => undefined);
  };
}

/** A first address that leads nowhere must not cost the call: the next one is tried meanwhile. */
const family = { autoSelectFamily: true, noDelay: true } as const;

/** OpenSSL refuses a client certificate or a key that it cannot read, and a pair that does not fit. */
function contextOf(create: () => SecureContext): SecureContext {
  try {
    return create();
  } catch (cause) {
    throw new Failure('config', "The client's certificate and key cannot be used", {
      cause,
      advice:
        'Both have to be PEM without a passphrase, and the key has to be that of the certificate',
    });
  }
}

/** Node itself passes over what it cannot read. */
function checkIssuers(pem: string, X509Certificate: X509): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  try {
    for (const block of blocks ?? ['nothing']) new X509Certificate(block);
  } catch (cause) {
    throw new Failure('config', 'The certificates in ca_file cannot be read', {
      cause,
      advice: 'It has to hold PEM: blocks from -----BEGIN CERTIFICATE----- to the line of its end',
    });
  }
}

function accept(socket: TLSSocket, verifier: Verifier, endpoint: Endpoint): Failure | undefined {
  const verify = verifier.verify(socket, endpoint);
  if (verify === undefined) certificates.set(socket, socket.getPeerCertificate().raw);
  return verify;
}

function handOver(
  socket: Socket,
  ready: 'connect' | 'secureConnect',
  opening: Opening,
  done: Done,
  check: () => Failure | undefined,
): void {
  opening.socket = socket;
  const settle = (error: Error | undefined): void => {
    clearTimeout(timer);
    socket.removeListener('close', closed);
    socket.removeListener(ready, onReady);
    if (error === undefined) socket.removeListener('error', settle);
    else socket.on('error', () => {}).destroy();
    if (error === undefined) done(null, socket);
    else done(error);
  };
  const closed = (): void => settle(trouble('ECONNRESET', 'closed while connecting'));
  const onReady = (): void => settle(check());
  const timer = setTimeout(() => settle(trouble('ETIMEDOUT', 'not connected')), opening.limitMs);
  socket.once('error', settle).once('close', closed).once(ready, onReady);
}

function trouble(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
