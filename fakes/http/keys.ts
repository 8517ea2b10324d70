import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/*
 * Keys and certificates made once, only for tests and worth nothing elsewhere: valid from 2026 to
 * 2125 but for the two whose names say otherwise, for localhost, 127.0.0.1 and ::1 but for
 * `other-name`. `authority` signed the first four, whose key is lost; the others signed themselves.
 */
export type KeyName =
  | 'trusted'
  | 'expired'
  | 'not-yet'
  | 'other-name'
  | 'self-signed'
  | 'renewed'
  | 'rsa-2048';

export function readKey(name: KeyName): { readonly key: string; readonly cert: string } {
  return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
}

export function authority(): string {
  return read('authority.pem');
}

/** SHA-256 as openssl shows it. */
export function fingerprintOf(name: KeyName): string {
  return certificateOf(name).fingerprint256;
}

export function derOf(name: KeyName): Buffer {
  return certificateOf(name).raw;
}

/** Fakes and tests ask at every request, and to read a certificate takes longer than to answer one. */
const certificates = new Map<KeyName, X509Certificate>();

function certificateOf(name: KeyName): X509Certificate {
  const known = certificates.get(name) ?? new X509Certificate(read(`${name}.pem`));
  certificates.set(name, known);
  return known;
}

// The tests are run in the project's folder, wherever they were bundled to.
function read(file: string): string {
  return readFileSync(`fakes/http/keys/${file}`, 'utf8');
}
