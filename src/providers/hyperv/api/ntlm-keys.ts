import { Failure } from '../../../failure.ts';
import { md4 } from './md4.ts';
import { type Pairs, writePairs } from './ntlm-pairs.ts';

/*
 * The keys and proofs of NTLMv2 (MS-NLMP 3.3.2). Names in comments are those of that document.
 */

/** The functions used of node:crypto, which is loaded only when NTLM is spoken. */
export type Crypto = Pick<typeof import('node:crypto'), 'createHash' | 'createHmac'>;

/** The account that logs in; the domain is empty for a local account and for user@domain. */
export interface Account {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
}

/** `DOMAIN\user`, `user@domain` or a bare name with the domain beside it. */
export function readAccount(username: string, domain: string, password: string): Account {
  const [before, after] = splitOnce(username, '\\');
  const user = after ?? username;
  const named = after === undefined ? domain : before;
  const whole = after === undefined && username.includes('@');
  return { user, domain: whole || named === '.' ? '' : named, password };
}

export function hmacMd5(crypto: Crypto, key: Buffer, ...parts: readonly Buffer[]): Buffer {
  return withMd5(() => crypto.createHmac('md5', key).update(Buffer.concat(parts)).digest());
}

export function md5(crypto: Crypto, data: Buffer): Buffer {
  return withMd5(() => crypto.createHash('md5').update(data).digest());
}

/** ResponseKeyNT: the only use of the password. */
export function responseKey(crypto: Crypto, { user, domain, password }: Account): Buffer {
  return hmacMd5(crypto, md4(utf16(password)), utf16(upperCase(user) + domain));
}

/** As Windows does it, one letter for one: there a sharp s stays what it is. */
function upperCase(text: string): string {
  return text.replace(/./gs, (one) => {
    const upper = one.toUpperCase();
    return upper.length === one.length ? upper : one;
  });
}

interface Answered {
  readonly clientNonce: Buffer;
  readonly time: Buffer;
  readonly pairs: Pairs;
}

/** NTLMv2_RESPONSE and SessionBaseKey. */
export function respond(
  crypto: Crypto,
  key: Buffer,
  nonce: Buffer,
  { clientNonce, time, pairs }: Answered,
): { readonly response: Buffer; readonly sessionBaseKey: Buffer } {
  const head = Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]);
  const zero = Buffer.alloc(4);
  const blob = Buffer.concat([head, time, clientNonce, zero, writePairs(pairs), zero]);
  const proof = hmacMd5(crypto, key, nonce, blob);
  return {
    response: Buffer.concat([proof, blob]),
    sessionBaseKey: hmacMd5(crypto, key, proof),
  };
}

/** RC4, to encrypt one session key; gone from OpenSSL 3 like MD4. */
export function rc4(key: Buffer, data: Buffer): Buffer {
  const box = Uint8Array.from({ length: 256 }, (_, i) => i);
  const at = (i: number): number => box[i & 255] ?? 0;
  const swap = (i: number, j: number): void => {
    const held = at(i);
    box[i & 255] = at(j);
    box[j & 255] = held;
  };
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 255;
    swap(i, j);
  }
  let j = 0;
  return Buffer.from(
    data.map((byte, position) => {
      const i = position + 1;
      j = (j + at(i)) & 255;
      swap(i, j);
      return byte ^ at(at(i) + at(j));
    }),
  );
}

export function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le');
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function withMd5<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Failure('config', 'This Node.js has no MD5, which NTLM cannot do without', {
      cause,
      advice:
        'It runs in FIPS mode: use a Node.js without it, or authentication=basic with a local account over TLS',
      outage: true,
      reason: 'login',
    });
  }
}
