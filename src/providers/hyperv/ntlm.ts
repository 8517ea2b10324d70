import { Failure } from '../../failure.ts';
import { type Account, type Crypto, hmacMd5, rc4, responseKey, utf16 } from './ntlm-keys.ts';

/*
 * The three messages of an NTLMv2 login (MS-NLMP 2.2.1), with message integrity code and channel
 * binding. Only Unicode and only version 2: whatever asks for less is refused.
 */

const signature = Buffer.from('NTLMSSP\0', 'latin1');

export const flag = {
  unicode: 0x1,
  requestTarget: 0x4,
  sign: 0x10,
  ntlm: 0x200,
  alwaysSign: 0x8000,
  extendedSecurity: 0x80000,
  targetInfo: 0x800000,
  version: 0x2000000,
  key128: 0x20000000,
  keyExchange: 0x40000000,
  key56: 0x80000000,
} as const;

const offered = Object.values(flag).reduce((all, one) => all | one, 0) >>> 0;

/** Version fields say Windows 10 with NTLM revision 15; nobody acts on them. */
const version = Buffer.from([10, 0, 0, 0, 0, 0, 0, 15]);

/** Pairs inside the target information (MS-NLMP 2.2.2.1). */
export const pair = { end: 0, flags: 6, timestamp: 7, target: 9, binding: 10 } as const;

export interface Challenge {
  readonly flags: number;
  readonly nonce: Buffer;
  /** In the order they came, without the end. */
  readonly pairs: readonly (readonly [id: number, value: Buffer])[];
  readonly message: Buffer;
}

/** The first message, in its full form: some acceptors refuse the shorter one. */
export function negotiateMessage(): Buffer {
  const message = Buffer.alloc(40);
  signature.copy(message);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(offered, 12);
  version.copy(message, 32);
  return message;
}

export function readChallenge(message: Buffer): Challenge {
  const intact =
    message.length >= 48 &&
    message.subarray(0, 8).equals(signature) &&
    message.readUInt32LE(8) === 2;
  if (!intact) throw strange('it is no NTLM challenge');
  const flags = message.readUInt32LE(20);
  if ((flags & flag.unicode) === 0 || (flags & flag.targetInfo) === 0) {
    throw strange('it does not offer NTLMv2');
  }
  const start = message.readUInt32LE(44);
  const info = message.subarray(start, start + message.readUInt16LE(40));
  return { flags, nonce: message.subarray(24, 32), pairs: readPairs(info), message };
}

export interface Login {
  readonly account: Account;
  /** The service asked for, such as `HTTP/server`. */
  readonly target: string;
  readonly binding: Buffer;
  /** 8 random bytes. */
  readonly clientNonce: Buffer;
  /** 16 random bytes. */
  readonly sessionKey: Buffer;
  /** For servers that send no time: now, as a Windows file time. */
  readonly fileTime: Buffer;
}

/** The last message: proves the password, the connection and that nothing was changed on the way. */
export function authenticateMessage(
  crypto: Crypto,
  negotiate: Buffer,
  challenge: Challenge,
  login: Login,
): Buffer {
  const time = challenge.pairs.find(([id]) => id === pair.timestamp)?.[1];
  const key = responseKey(crypto, login.account);
  const proof = respond(crypto, key, challenge, {
    clientNonce: login.clientNonce,
    time: time ?? login.fileTime,
    pairs: answeredPairs(challenge, login, time !== undefined),
  });
  const flags = (challenge.flags & offered) >>> 0;
  const exchange = (flags & flag.keyExchange) !== 0;
  const lm = time === undefined ? lmResponse(crypto, key, challenge, login) : Buffer.alloc(24);
  const message = layOut(flags, [
    lm,
    proof.response,
    utf16(login.account.domain),
    utf16(login.account.user),
    Buffer.alloc(0),
    exchange ? rc4(proof.sessionBaseKey, login.sessionKey) : Buffer.alloc(0),
  ]);
  if (time !== undefined) {
    const exported = exchange ? login.sessionKey : proof.sessionBaseKey;
    hmacMd5(crypto, exported, negotiate, challenge.message, message).copy(message, micAt);
  }
  return message;
}

interface Answered {
  readonly clientNonce: Buffer;
  readonly time: Buffer;
  readonly pairs: Challenge['pairs'];
}

/** NTLMv2_RESPONSE and SessionBaseKey. */
export function respond(
  crypto: Crypto,
  key: Buffer,
  { nonce }: Pick<Challenge, 'nonce'>,
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

export function lmResponse(
  crypto: Crypto,
  key: Buffer,
  { nonce }: Pick<Challenge, 'nonce'>,
  { clientNonce }: Pick<Login, 'clientNonce'>,
): Buffer {
  return Buffer.concat([hmacMd5(crypto, key, nonce, clientNonce), clientNonce]);
}

/** The server's pairs with ours behind them: code present, service and connection. */
function answeredPairs(
  { pairs }: Challenge,
  { target, binding }: Login,
  withCode: boolean,
): Challenge['pairs'] {
  const ours: readonly number[] = [pair.flags, pair.target, pair.binding];
  const flags = Buffer.alloc(4);
  const given = pairs.find(([id]) => id === pair.flags)?.[1];
  flags.writeUInt32LE(((given?.readUInt32LE(0) ?? 0) | (withCode ? 2 : 0)) >>> 0);
  return [
    ...pairs.filter(([id]) => !ours.includes(id)),
    [pair.flags, flags],
    [pair.target, utf16(target)],
    [pair.binding, binding],
  ];
}

const micAt = 72;
const payloadAt = 88;

function layOut(flags: number, fields: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(payloadAt);
  signature.copy(head);
  head.writeUInt32LE(3, 8);
  let offset = payloadAt;
  fields.forEach((field, i) => {
    const at = 12 + i * 8;
    head.writeUInt16LE(field.length, at);
    head.writeUInt16LE(field.length, at + 2);
    head.writeUInt32LE(offset, at + 4);
    offset += field.length;
  });
  head.writeUInt32LE(flags, 60);
  version.copy(head, 64);
  return Buffer.concat([head, ...fields]);
}

export function readPairs(info: Buffer): Challenge['pairs'] {
  const pairs: (readonly [number, Buffer])[] = [];
  for (let at = 0; at + 4 <= info.length; ) {
    const id = info.readUInt16LE(at);
    const size = info.readUInt16LE(at + 2);
    if (id === pair.end) return pairs;
    pairs.push([id, info.subarray(at + 4, at + 4 + size)]);
    at += 4 + size;
  }
  throw strange('its target information has no end');
}

export function writePairs(pairs: Challenge['pairs']): Buffer {
  const parts = [...pairs, [pair.end, Buffer.alloc(0)] as const].map(([id, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(id);
    head.writeUInt16LE(value.length, 2);
    return Buffer.concat([head, value]);
  });
  return Buffer.concat(parts);
}

function strange(why: string): Failure {
  return new Failure('upstream', `The answer to the NTLM login cannot be used: ${why}`, {
    advice: 'Is there a proxy between this server and the Hyper-V host?',
    facts: { login: true },
  });
}
