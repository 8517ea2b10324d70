import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hmacMd5, rc4, responseKey } from '../../src/providers/hyperv/api/ntlm-keys.ts';

/** The account that the fakes know. */
export const account = { user: 'svc-cloudstack', domain: 'EXAMPLE', password: 'Pässw0rd!"geheim' };

export type Verdict =
  | { readonly token: Buffer }
  | { readonly done: true }
  | { readonly refused: string };

/** The server's side of NTLM logins, each on a connection of its own. */
export interface Acceptor {
  /**
   * `binding` is what the connection's certificate demands; nothing where the server does not check. `host` is
   * the name under which the server was called.
   */
  step(login: string, token: Buffer, binding: Buffer | undefined, host: string): Promise<Verdict>;
  close(): void;
}

const python = '/usr/bin/python3';

/** Why the acceptor that is not ours cannot be used here, or nothing. */
export function whyNoPython(): string | undefined {
  const { status } = spawnSync(python, ['-c', 'import gssapi'], { stdio: 'ignore' });
  if (status === 0) return undefined;
  return 'needs the Debian packages gss-ntlmssp and python3-gssapi';
}

/** gss-ntlmssp, in a process that ends with the test. */
export function pythonAcceptor({ user, domain, password } = account): Acceptor {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-ntlm-'));
  const users = join(folder, 'users');
  writeFileSync(users, `${domain}:${user}:${password}\n`);
  const child: ChildProcess = spawn(python, [join('fakes/winrm', 'ntlm-acceptor.py')], {
    env: { NTLM_USER_FILE: users, PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
  });
  const waiting: ((line: string) => void)[] = [];
  if (child.stdout === null || child.stdin === null) throw new Error('no pipes');
  const { stdin } = child;
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  return {
    step(login, token, binding) {
      const asked = {
        login,
        token: token.toString('base64'),
        ...(binding === undefined ? {} : { binding: binding.toString('base64') }),
      };
      return new Promise((resolve) => {
        waiting.push((line) => resolve(verdictOf(JSON.parse(line))));
        stdin.write(`${JSON.stringify(asked)}\n`);
      });
    },
    close() {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function verdictOf(said: { token?: string; done?: boolean; error?: string }): Verdict {
  if (said.done === true) return { done: true };
  if (said.token !== undefined) return { token: Buffer.from(said.token, 'base64') };
  return { refused: said.error ?? 'no reason' };
}

/**
 * A short acceptor for the many tests that are not about NTLM: with the client's own keys, which
 * other tests prove, and its own reading of the messages.
 */
export function ownAcceptor({ user, domain, password } = account): Acceptor {
  const crypto = { createHash, createHmac };
  const begun = new Map<string, { first: Buffer; challenge: Buffer }>();
  const key = responseKey(crypto, { user, domain, password });
  return {
    async step(login, token, binding, host) {
      const known = begun.get(login);
      if (known === undefined) {
        const challenge = challengeMessage();
        begun.set(login, { first: token, challenge });
        const ok = token.length === 40 && token.readUInt32LE(8) === 1;
        return ok ? { token: challenge } : { refused: 'not the full first message' };
      }
      begun.delete(login);
      const { first, challenge } = known;
      const field = (at: number): Buffer => {
        const start = token.readUInt32LE(at + 4);
        return token.subarray(start, start + token.readUInt16LE(at));
      };
      const response = field(20);
      const proof = hmacMd5(crypto, key, challenge.subarray(24, 32), response.subarray(16));
      if (!proof.equals(response.subarray(0, 16))) return { refused: 'wrong password' };
      if (field(36).toString('utf16le') !== user) return { refused: 'wrong user' };
      const exported = rc4(hmacMd5(crypto, key, proof), field(52));
      const blank = Buffer.from(token);
      blank.fill(0, 72, 88);
      const code = hmacMd5(crypto, exported, first, challenge, blank);
      if (!code.equals(token.subarray(72, 88))) return { refused: 'tampered with' };
      const service = avPair(9, Buffer.from(`HTTP/${host}`, 'utf16le'));
      if (!response.includes(service)) return { refused: 'meant for another service' };
      if (binding === undefined) return { done: true };
      const head = Buffer.alloc(20);
      head.writeUInt32LE(binding.length, 16);
      const sum = createHash('md5').update(head).update(binding).digest();
      return response.includes(sum) ? { done: true } : { refused: 'another connection' };
    },
    close() {},
  };
}

function challengeMessage(): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(Date.now()) + 11_644_473_600_000n) * 10_000n);
  const info = Buffer.concat([
    avPair(2, Buffer.from('EXAMPLE', 'utf16le')),
    avPair(1, Buffer.from('HV1', 'utf16le')),
    avPair(7, time),
    avPair(0, Buffer.alloc(0)),
  ]);
  const name = Buffer.from('EXAMPLE', 'utf16le');
  const head = Buffer.alloc(56);
  head.write('NTLMSSP\0', 'latin1');
  head.writeUInt32LE(2, 8);
  head.writeUInt16LE(name.length, 12);
  head.writeUInt16LE(name.length, 14);
  head.writeUInt32LE(56, 16);
  head.writeUInt32LE(0xe28a8215, 20);
  randomBytes(8).copy(head, 24);
  head.writeUInt16LE(info.length, 40);
  head.writeUInt16LE(info.length, 42);
  head.writeUInt32LE(56 + name.length, 44);
  return Buffer.concat([head, name, info]);
}

function avPair(id: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}
