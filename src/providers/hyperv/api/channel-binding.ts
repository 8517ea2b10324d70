import { type Crypto, md5 } from './ntlm-keys.ts';

/**
 * The hash that ties a login to its TLS connection (RFC 5929 tls-server-end-point, as NTLM carries
 * it): a party in between would have to show another certificate.
 */
export function channelBinding(crypto: Crypto, certificate: Buffer): Buffer {
  const hash = crypto.createHash(hashOf(certificate)).update(certificate).digest();
  const data = Buffer.concat([Buffer.from('tls-server-end-point:'), hash]);
  // gss_channel_bindings_struct without addresses: their types and lengths are all zero.
  const head = Buffer.alloc(20);
  head.writeUInt32LE(data.length, 16);
  return md5(crypto, Buffer.concat([head, data]));
}

/** The object identifiers of signature algorithms (DER content, hexadecimal) by their hash. */
const hashes: Readonly<Record<string, string>> = {
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

const pss = '2a864886f70d01010a';

const pssHashes: Readonly<Record<string, string>> = {
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};

/** The hash of the certificate's signature; SHA-256 also stands in for MD5 and SHA-1. */
export function hashOf(certificate: Buffer): string {
  const outer = element(certificate, 0);
  const signed = element(certificate, outer.start);
  const algorithm = element(certificate, signed.end);
  const id = element(certificate, algorithm.start);
  const name = certificate.toString('hex', id.start, id.end);
  if (name !== pss) return hashes[name] ?? 'sha256';
  const parameters = certificate.toString('hex', id.end, algorithm.end);
  return Object.entries(pssHashes).find(([id]) => parameters.includes(id))?.[1] ?? 'sha256';
}

/** Where the content of the DER element at `at` begins and ends. */
function element(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const size = first & 0x7f;
  const start = at + 2 + size;
  return { start, end: start + der.readUIntBE(at + 2, size) };
}
