import {
  type Account,
  type Crypto,
  hmacMd5,
  rc4,
  respond,
  responseKey,
  utf16,
} from './ntlm-keys.ts';
import { type Pairs, pair, readPairs, strange } from './ntlm-pairs.ts';

/*
 * The three messages of an NTLMv2 login (MS-NLMP 2.2.1), with message integrity code and channel
 * binding. Only Unicode and only version 2: a server that asks for less is refused.
 */

const signature = Buffer.from('NTLMSSP\0', 'latin1');

const flag = {
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

/** Version fields say Windows 10 with NTLM revision 15; no server acts on them. */
const version = Buffer.from([10, 0, 0, 0, 0, 0, 0, 15]);

export interface Challenge {
  readonly flags: number;
  readonly nonce: Buffer;
  /** The server's clock, as a Windows file time. */
  readonly time: Buffer;
  readonly pairs: Pairs;
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
  const pairs = readPairs(message.subarray(start, start + message.readUInt16LE(40)));
  const time = valueIn(pairs, pair.timestamp);
  // Every Windows since Vista says it; without it nothing would show that the messages were changed.
  if (time?.length !== 8) throw strange('it does not tell the time');
  return { flags, nonce: message.subarray(24, 32), time, pairs, message };
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
}

/** The last message: proves the password, the connection and that nothing was changed on the way. */
export function authenticateMessage(
  crypto: Crypto,
  negotiate: Buffer,
  challenge: Challenge,
  login: Login,
): Buffer {
  const { account, clientNonce, sessionKey } = login;
  const { nonce, time } = challenge;
  const pairs = answeredPairs(challenge, login);
  const key = responseKey(crypto, account);
  const { response, sessionBaseKey } = respond(crypto, key, nonce, { clientNonce, time, pairs });
  const exchange = (challenge.flags & flag.keyExchange) !== 0;
  const message = layOut((challenge.flags & offered) >>> 0, [
    // The older response is left empty beside an integrity code.
    Buffer.alloc(24),
    response,
    utf16(account.domain),
    utf16(account.user),
    Buffer.alloc(0),
    exchange ? rc4(sessionBaseKey, sessionKey) : Buffer.alloc(0),
  ]);
  const exported = exchange ? sessionKey : sessionBaseKey;
  hmacMd5(crypto, exported, negotiate, challenge.message, message).copy(message, micAt);
  return message;
}

/** The server's pairs with ours behind them: code present, service and connection. */
function answeredPairs({ pairs }: Challenge, { target, binding }: Login): Pairs {
  const ours: readonly number[] = [pair.flags, pair.target, pair.binding];
  const flags = valueIn(pairs, pair.flags)?.[0] ?? 0;
  return [
    ...pairs.filter(([id]) => !ours.includes(id)),
    [pair.flags, Buffer.from([flags | 2, 0, 0, 0])],
    [pair.target, utf16(target)],
    [pair.binding, binding],
  ];
}

function valueIn(pairs: Pairs, wanted: number): Buffer | undefined {
  return pairs.find(([id]) => id === wanted)?.[1];
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
