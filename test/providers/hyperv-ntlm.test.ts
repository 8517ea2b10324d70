import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { createPost } from '../../src/providers/hyperv/auth.ts';
import { channelBinding, hashOf } from '../../src/providers/hyperv/channel-binding.ts';
import { md4 } from '../../src/providers/hyperv/md4.ts';
import {
  authenticateMessage,
  lmResponse,
  negotiateMessage,
  pair,
  readChallenge,
  respond,
  writePairs,
} from '../../src/providers/hyperv/ntlm.ts';
import { rc4, readAccount, responseKey, utf16 } from '../../src/providers/hyperv/ntlm-keys.ts';
import { clientOf, deadlineIn, failureOf } from '../kit/fakes/http-client.ts';
import { derOf, fingerprintOf, type KeyName } from '../kit/fakes/keys.ts';
import { type Acceptor, account, pythonAcceptor, whyNoPython } from './fakes/hyperv/acceptor.ts';
import { type FakeOptions, startHyperV } from './fakes/hyperv/wsman.ts';

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
    const said = respond(crypto, key, { nonce }, { clientNonce, time: Buffer.alloc(8), pairs });
    const proof = said.response.subarray(0, 16).toString('hex');
    assert.equal(proof, '68cd0ab851e51c96aabc927bebef6a1c');
    assert.equal(said.sessionBaseKey.toString('hex'), '8de40ccadbc14a82f15cb0ad0de95ca3');
    const exchanged = rc4(said.sessionBaseKey, Buffer.alloc(16, 0x55));
    assert.equal(exchanged.toString('hex'), 'c5dad2544fc9799094ce1ce90bc9d03e');
  });

  test('computes the LMv2 response', () => {
    const response = lmResponse(crypto, key, { nonce }, { clientNonce }).toString('hex');
    assert.equal(response, '86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa');
  });
});

describe('the NTLM messages', () => {
  const challenge = (withTime: boolean): Buffer => {
    const time = withTime ? [[pair.timestamp, hex('0090d336b734c301')] as const] : [];
    const info = writePairs([[2, utf16('Domain')], ...time]);
    const head = Buffer.alloc(56);
    head.write('NTLMSSP\0', 'latin1');
    head.writeUInt32LE(2, 8);
    head.writeUInt32LE(0xe28a8215, 20);
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
    fileTime: Buffer.alloc(8),
  };

  test('the first one has its full 40 bytes and asks for target information', () => {
    const message = negotiateMessage();
    assert.equal(message.length, 40);
    assert.equal(message.readUInt32LE(12) & 0x800000, 0x800000);
  });

  test('the last one carries an integrity code when the server says its time, and none otherwise', () => {
    const first = negotiateMessage();
    const sealed = authenticateMessage(crypto, first, readChallenge(challenge(true)), login);
    const open = authenticateMessage(crypto, first, readChallenge(challenge(false)), login);
    assert.notEqual(sealed.toString('hex', 72, 88), '0'.repeat(32));
    assert.equal(open.toString('hex', 72, 88), '0'.repeat(32));
    const lm = (message: Buffer): string =>
      message.toString('hex', message.readUInt32LE(16), message.readUInt32LE(16) + 24);
    assert.equal(lm(sealed), '0'.repeat(48), 'no LM response beside a code');
    assert.match(lm(open), /aaaaaaaaaaaaaaaa$/);
  });

  test('a challenge that is none, or offers less than NTLMv2, is refused', () => {
    const damaged = challenge(true);
    damaged.writeUInt32LE(0x00000001, 20);
    for (const bad of [Buffer.alloc(0), Buffer.from('hello'), negotiateMessage(), damaged]) {
      assert.throws(() => readChallenge(bad), { kind: 'upstream' });
    }
    const endless = challenge(true);
    endless.writeUInt16LE(endless.readUInt16LE(40) - 4, 40);
    assert.throws(() => readChallenge(endless), /no end/);
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
    const der = (algorithm: string): Buffer => {
      const id = hex(
        `30${(algorithm.length / 2 + 2).toString(16).padStart(2, '0')}06${(algorithm.length / 2).toString(16).padStart(2, '0')}${algorithm}`,
      );
      const inner = Buffer.concat([hex('3003020101'), id]);
      return Buffer.concat([hex(`30${inner.length.toString(16).padStart(2, '0')}`), inner]);
    };
    assert.equal(hashOf(der('2a864886f70d01010c')), 'sha384');
    assert.equal(hashOf(der('2a864886f70d01010d')), 'sha512');
    assert.equal(hashOf(der('2a8648ce3d040303')), 'sha384');
    assert.equal(hashOf(der('2a864886f70d010105')), 'sha256', 'SHA-1');
    assert.equal(hashOf(der('2a864886f70d010104')), 'sha256', 'MD5');
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
      const way = { deadline: deadlineIn(5_000), limitMs: 5_000 };
      // What is posted is no message, so that who was let in gets a fault for it.
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

  test('is refused when somebody in between shows another certificate', async () => {
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
        step(login, token, binding) {
          const changed = Buffer.from(token);
          if (token.readUInt32LE(8) === 3) changed[at] = (changed[at] ?? 0) ^ 0x40;
          return acceptor.step(login, changed, binding);
        },
      });
      assert.equal((await failureOf(tryLogin({ wrap }))).kind, 'denied');
    });
  }

  test('is refused when the challenge was changed on the way', async () => {
    const wrap = (acceptor: Acceptor): Acceptor => ({
      ...acceptor,
      async step(login, token, binding) {
        const verdict = await acceptor.step(login, token, binding);
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
