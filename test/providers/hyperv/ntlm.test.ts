import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { derOf, fingerprintOf, type KeyName } from '../../../fakes/http/keys.ts';
import {
  type Acceptor,
  account,
  pythonAcceptor,
  whyNoPython,
} from '../../../fakes/winrm/acceptor.ts';
import { type FakeOptions, startHyperV } from '../../../fakes/winrm/wsman.ts';
import { createPost } from '../../../src/providers/hyperv/api/auth.ts';
import { channelBinding, hashOf } from '../../../src/providers/hyperv/api/channel-binding.ts';
import { md4 } from '../../../src/providers/hyperv/api/md4.ts';
import {
  authenticateMessage,
  negotiateMessage,
  readChallenge,
} from '../../../src/providers/hyperv/api/ntlm.ts';
import {
  hmacMd5,
  rc4,
  readAccount,
  respond,
  responseKey,
  utf16,
} from '../../../src/providers/hyperv/api/ntlm-keys.ts';
import {
  type Pairs,
  pair,
  readPairs,
  writePairs,
} from '../../../src/providers/hyperv/api/ntlm-pairs.ts';
import { clientOf, deadlineIn, failureOf } from '../../support/http-client.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

describe('MD4', () => {
  const vectors: Readonly<Record<string, string>> = {
    '': '31d6cfe0d16ae931b73c59d7e0c089c0',
    a: 'bde52cb31de33e46245e05fbdbd6fb24',
    abc: 'a448017aaf21d8525fc10ae87aa6729d',
    'message digest': 'd9130a8164549fe818874806e1c7014b',
    abcdefghijklmnopqrstuvwxyz: 'd79e1c308aa5bbcdeea8ed63df412da9',
    ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:
      '043f8582f241db351ce627e153e7f0e4',
    ['1234567890'.repeat(8)]: 'e33b4ddc9c38f2199c3e7b164fcc0536',
  };
  for (const [text, digest] of Object.entries(vectors)) {
    test(`gives what RFC 1320 says for "${text.slice(0, 30)}"`, () => {
      assert.equal(md4(Buffer.from(text)).toString('hex'), digest);
    });
  }
});

describe('NTLMv2 with the values of MS-NLMP 4.2.4', () => {
  const key = responseKey(crypto, { user: 'User', domain: 'Domain', password: 'Password' });
  const nonce = hex('0123456789abcdef');
  const clientNonce = hex('aaaaaaaaaaaaaaaa');
  const pairs = [
    [2, utf16('Domain')],
    [1, utf16('Server')],
  ] as const;

  test('derives the response key from the password', () => {
    assert.equal(md4(utf16('Password')).toString('hex'), 'a4f49c406510bdcab6824ee7c30fd852');
    assert.equal(key.toString('hex'), '0c868a403bfd7a93a3001ef22ef02e3f');
  });

  test('computes proof and session key', () => {
    const response = respond(crypto, key, nonce, { clientNonce, time: Buffer.alloc(8), pairs });
    const proof = response.response.subarray(0, 16).toString('hex');
    assert.equal(proof, '68cd0ab851e51c96aabc927bebef6a1c');
    assert.equal(response.sessionBaseKey.toString('hex'), '8de40ccadbc14a82f15cb0ad0de95ca3');
    const exchanged = rc4(response.sessionBaseKey, Buffer.alloc(16, 0x55));
    assert.equal(exchanged.toString('hex'), 'c5dad2544fc9799094ce1ce90bc9d03e');
  });

  test('takes the user name in capitals as Windows makes them, one letter for one', () => {
    const keyOf = (user: string): Buffer =>
      responseKey(crypto, { user, domain: 'Domain', password: 'Password' });
    assert.deepEqual(keyOf('uSER'), key);
    assert.deepEqual(keyOf('jörg'), keyOf('JÖRG'));
    assert.deepEqual(keyOf('groß'), keyOf('GROß'));
    assert.notDeepEqual(keyOf('groß'), keyOf('GROSS'));
  });
});

describe('the NTLM messages', () => {
  const time = [pair.timestamp, hex('0090d336b734c301')] as const;
  const challenge = (pairs: Pairs = [[2, utf16('Domain')], time], flags = 0xe28a8215): Buffer => {
    const info = writePairs(pairs);
    const head = Buffer.alloc(56);
    head.write('NTLMSSP\0', 'latin1');
    head.writeUInt32LE(2, 8);
    head.writeUInt32LE(flags, 20);
    hex('0123456789abcdef').copy(head, 24);
    head.writeUInt16LE(info.length, 40);
    head.writeUInt32LE(56, 44);
    return Buffer.concat([head, info]);
  };
  const login = {
    account: { user: 'User', domain: 'Domain', password: 'Password' },
    target: 'HTTP/hv1',
    binding: Buffer.alloc(16, 7),
    clientNonce: Buffer.alloc(8, 0xaa),
    sessionKey: Buffer.alloc(16, 0x55),
  };

  test('the first one has its full 40 bytes and asks for target information', () => {
    const message = negotiateMessage();
    assert.equal(message.length, 40);
    assert.equal(message.readUInt32LE(12) & 0x800000, 0x800000);
  });

  const lastTo = (asked: Buffer): Buffer =>
    authenticateMessage(crypto, negotiateMessage(), readChallenge(asked), login);
  const fieldOf = (message: Buffer, at: number): Buffer => {
    const start = message.readUInt32LE(at + 4);
    return message.subarray(start, start + message.readUInt16LE(at));
  };
  const pairsIn = (message: Buffer): Pairs => readPairs(fieldOf(message, 20).subarray(44, -4));

  test("the last one repeats the server's pairs and adds flags, service and connection", () => {
    const unknown = [4711, hex('00ff')] as const;
    const forged = [pair.binding, Buffer.alloc(16)] as const;
    const message = lastTo(challenge([unknown, forged, time, [pair.flags, hex('01000000')]]));
    assert.deepEqual(pairsIn(message), [
      unknown,
      time,
      [pair.flags, hex('03000000')],
      [pair.target, utf16('HTTP/hv1')],
      [pair.binding, login.binding],
    ]);
    assert.deepEqual(pairsIn(lastTo(challenge()))[2], [pair.flags, hex('02000000')]);
    assert.equal(fieldOf(message, 12).toString('hex'), '0'.repeat(48), 'no older response');
  });

  test('the last one is sealed with a key of our own where the server takes one, else with its', () => {
    const flags = 0xe28a8215;
    for (const asked of [challenge(), challenge(undefined, (flags & ~0x40000000) >>> 0)]) {
      const message = lastTo(asked);
      const response = fieldOf(message, 20);
      const key = responseKey(crypto, login.account);
      const base = hmacMd5(crypto, key, response.subarray(0, 16));
      const own = fieldOf(message, 52);
      const sealing = own.length === 0 ? base : rc4(base, own);
      assert.deepEqual(sealing, asked.readUInt32LE(20) === flags ? login.sessionKey : base);
      const blank = Buffer.from(message).fill(0, 72, 88);
      const code = hmacMd5(crypto, sealing, negotiateMessage(), asked, blank);
      assert.deepEqual(message.subarray(72, 88), code);
    }
  });

  test('a challenge that is none, or offers less than NTLMv2, is refused', () => {
    const none = Buffer.alloc(0);
    for (const bad of [none, Buffer.alloc(60), Buffer.from('hello'), negotiateMessage()]) {
      assert.throws(() => readChallenge(bad), { kind: 'upstream', message: /no NTLM challenge/ });
    }
    for (const flags of [0xe28a8215 & ~0x1, 0xe28a8215 & ~0x800000]) {
      assert.throws(() => readChallenge(challenge(undefined, flags >>> 0)), /not offer NTLMv2/);
    }
    const endless = challenge();
    endless.writeUInt16LE(endless.readUInt16LE(40) - 4, 40);
    assert.throws(() => readChallenge(endless), /no end/);
  });

  test('a challenge that lets messages be changed on the way, without its time, is refused', () => {
    assert.throws(() => readChallenge(challenge([])), /does not tell the time/);
    assert.throws(() => readChallenge(challenge([[pair.timestamp, hex('00')]])), /the time/);
  });

  test('an account is read from all three ways to write it', () => {
    assert.deepEqual(readAccount('EX\\bob', 'OTHER', 'p'), {
      user: 'bob',
      domain: 'EX',
      password: 'p',
    });
    assert.deepEqual(readAccount('bob', 'EX', 'p'), { user: 'bob', domain: 'EX', password: 'p' });
    const whole = { user: 'bob@ex.org', domain: '', password: 'p' };
    assert.deepEqual(readAccount('bob@ex.org', 'EX', 'p'), whole);
    assert.deepEqual(readAccount('.\\bob', '', 'p'), { user: 'bob', domain: '', password: 'p' });
  });

  test('a Node without MD5 is told apart from a wrong password', async () => {
    const none = {
      createHash: crypto.createHash,
      createHmac: () => {
        throw Object.assign(new Error('unsupported'), { code: 'ERR_OSSL_EVP_UNSUPPORTED' });
      },
    } as unknown as Parameters<typeof responseKey>[0];
    assert.throws(() => responseKey(none, login.account), { kind: 'config', message: /no MD5/ });
  });
});

describe('the channel binding', () => {
  test('hashes with what signed the certificate, and with SHA-256 for what is weaker', () => {
    for (const name of ['trusted', 'rsa-2048', 'self-signed'] as const) {
      assert.equal(hashOf(derOf(name)), 'sha256');
    }
    const size = (length: number): string => length.toString(16).padStart(4, '0');
    const sequence = (inner: string): string => `3082${size(inner.length / 2)}${inner}`;
    const signed = sequence('00'.repeat(300));
    // A certificate holds what is signed, the algorithm with its parameters, and the signature.
    const der = (algorithm: string, parameters = ''): Buffer => {
      const id = `06${(algorithm.length / 2).toString(16).padStart(2, '0')}${algorithm}`;
      return hex(sequence(`${signed}${sequence(id + parameters)}0300`));
    };
    assert.equal(hashOf(der('2a864886f70d01010c')), 'sha384');
    assert.equal(hashOf(der('2a864886f70d01010d')), 'sha512');
    assert.equal(hashOf(der('2a8648ce3d040303')), 'sha384');
    assert.equal(hashOf(der('2a864886f70d010105')), 'sha256', 'SHA-1');
    assert.equal(hashOf(der('2a864886f70d010104')), 'sha256', 'MD5');
    const pss = (hash: string): string => hashOf(der('2a864886f70d01010a', `0609${hash}`));
    assert.equal(pss('608648016503040202'), 'sha384');
    assert.equal(pss('608648016503040203'), 'sha512');
    assert.equal(pss('608648016503040201'), 'sha256');
    assert.equal(hashOf(der('2a864886f70d01010a')), 'sha256', 'SHA-1, which is its default');
  });

  test('is another one for another certificate', () => {
    const one = channelBinding(crypto, derOf('trusted'));
    assert.equal(one.length, 16);
    assert.notDeepEqual(one, channelBinding(crypto, derOf('renewed')));
  });
});

describe('a login that gss-ntlmssp verifies', { skip: skipReason() }, () => {
  interface Login extends FakeOptions {
    readonly password?: string;
    readonly wrap?: (acceptor: Acceptor) => Acceptor;
  }

  const tryLogin = async ({ password, wrap = (a) => a, ...options }: Login): Promise<number> => {
    const acceptor = wrap(pythonAcceptor());
    const key: KeyName = options.key ?? 'trusted';
    const fake = await startHyperV({ ...options, acceptor });
    const tls = { verify: false, fingerprints: [fingerprintOf(key)] };
    const http = clientOf([fake.server], { tls, maxSockets: 1 });
    try {
      const credentials = { ...account, scheme: 'ntlm', host: '127.0.0.1' } as const;
      const post = createPost(http, '/wsman', {
        ...credentials,
        ...(password === undefined ? {} : { password }),
      });
      const way = { deadline: deadlineIn(5_000), limitMs: 5_000, harmless: false };
      // The posted body is no message, so that a client that was let in gets a fault for it.
      return (await post('<nothing/>', way)).status;
    } finally {
      http.close();
      await fake.close();
    }
  };

  test('is let in where the binding is not looked at', async () => {
    assert.equal(await tryLogin({ checkBinding: false }), 500);
  });

  test('is let in where the binding is demanded, with an elliptic or an RSA certificate', async () => {
    assert.equal(await tryLogin({}), 500);
    assert.equal(await tryLogin({ key: 'rsa-2048' }), 500);
  });

  test('is refused when a server in between shows another certificate', async () => {
    const failure = await failureOf(tryLogin({ bindingKey: 'renewed' }));
    assert.equal(failure.kind, 'denied');
    assert.equal(failure.outage, true);
  });

  test('is refused for a wrong password, which is repeated nowhere', async () => {
    const failure = await failureOf(tryLogin({ password: 'wr0ng-secret' }));
    assert.equal(failure.kind, 'denied');
    assert.doesNotMatch(JSON.stringify(failure) + failure.message, /wr0ng-secret/);
  });

  for (const [what, at] of [
    ['the integrity code', 75],
    ['the flags', 61],
  ] as const) {
    test(`is refused when ${what} was changed on the way`, async () => {
      const wrap = (acceptor: Acceptor): Acceptor => ({
        ...acceptor,
        step(login, token, ...more) {
          const changed = Buffer.from(token);
          if (token.readUInt32LE(8) === 3) changed[at] = (changed[at] ?? 0) ^ 0x40;
          return acceptor.step(login, changed, ...more);
        },
      });
      assert.equal((await failureOf(tryLogin({ wrap }))).kind, 'denied');
    });
  }

  test('is refused when the challenge was changed on the way', async () => {
    const wrap = (acceptor: Acceptor): Acceptor => ({
      ...acceptor,
      async step(login, token, ...more) {
        const verdict = await acceptor.step(login, token, ...more);
        // Not the nonce, which the proof covers: a flag, which only the integrity code does.
        if ('token' in verdict) verdict.token[23] = (verdict.token[23] ?? 0) & ~0x20;
        return verdict;
      },
    });
    assert.equal((await failureOf(tryLogin({ wrap }))).kind, 'denied');
  });
});

/** In CI the packages have to be there. */
function skipReason(): string | false {
  const reason = whyNoPython();
  if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason);
  return reason ?? false;
}
