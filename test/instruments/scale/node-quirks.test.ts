import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { builtFile } from '../../support/spawned.ts';
import { type List, lists, openList } from './lists.ts';
import { runProcess } from './process.ts';

/*
 * Node as distributions build it, as far as flags, the environment and a few lines that run before
 * anything else can make this Node behave like it.
 */

interface Quirk {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** JavaScript that is run first. */
  readonly first?: string;
}

/** The demands of RHEL's and Ubuntu's policies on OpenSSL, which their Node reads. */
const policy = `
nodejs_conf = init
openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = policy
[policy]
MinProtocol = TLSv1.2
CipherString = DEFAULT@SECLEVEL=2
`;

const quirks: Readonly<Record<string, Quirk>> = {
  'is built without a snapshot, as Debian does': { flags: ['--no-node-snapshot'] },
  'loads the legacy algorithms of OpenSSL': { flags: ['--openssl-legacy-provider'] },
  'obeys the system-wide policy for OpenSSL': { flags: ['--openssl-shared-config'] },
  'has a configuration of OpenSSL that is not there': { env: { OPENSSL_CONF: '/nonexistent' } },
  'is built without Intl': { first: 'delete globalThis.Intl;' },
  'is told to print every warning': { flags: ['--trace-warnings', '--pending-deprecation'] },
  'runs in an unknown locale and time zone': {
    env: { LANG: 'xx_YY.weird', LC_ALL: 'zz@odd', LANGUAGE: '::', TZ: 'Nowhere/At/All' },
  },
};

/** TLS with a pinned certificate, and on top of it all that NTLM needs. */
const providers = ['proxmox', 'hyperv'];

/** FIPS builds refuse it with this very error. */
const withoutMd5 = `
const crypto = require('crypto');
for (const name of ['createHash', 'createHmac']) {
  const usual = crypto[name];
  crypto[name] = (algorithm, ...more) => {
    if (!/md[45]/i.test(algorithm)) return usual(algorithm, ...more);
    const text = 'error:0308010C:digital envelope routines::unsupported';
    throw Object.assign(new Error(text), { code: 'ERR_OSSL_EVP_UNSUPPORTED' });
  };
}
`;

describe('the built file on a Node that', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-quirks-'));
  const standing = new Map<string, List>();
  before(async () => {
    for (const provider of lists) standing.set(provider, await openList(provider, 1));
  });
  after(async () => {
    for (const list of standing.values()) await list.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A folder whose `node` is this Node with the quirk, to be first in the PATH. */
  const pathFor = ({ flags = [], first }: Quirk): string => {
    const bin = mkdtempSync(join(folder, 'bin-'));
    const script = join(bin, 'first.js');
    writeFileSync(script, first ?? '');
    const preload = first === undefined ? [] : ['-r', script];
    const command = [process.execPath, ...flags, ...preload].join(' ');
    writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec ${command} "$@"\n`);
    chmodSync(join(bin, 'node'), 0o755);
    return `${bin}:/usr/bin:/bin`;
  };
  const statusOf = (provider: string, quirk: Quirk) => {
    const list = standing.get(provider) as List;
    const env = { ...list.env, ...quirk.env, PATH: pathFor(quirk) };
    const call = { file: builtFile, action: 'status', payloadFile: list.payload('status'), env };
    return runProcess({ ...call, timeoutSeconds: 30 });
  };

  for (const [what, quirk] of Object.entries(quirks)) {
    it(`the built file on a Node that ${what} speaks to remote systems`, async () => {
      const config = join(folder, 'openssl.cnf');
      writeFileSync(config, policy);
      const env = { OPENSSL_CONF: config, ...quirk.env };
      for (const provider of providers) {
        const { exitCode, text } = await statusOf(provider, { ...quirk, env });
        assert.equal(exitCode, 0, `${provider}: ${text}`);
        assert.equal(JSON.parse(text).power_state, 'PowerOn', provider);
      }
    });
  }

  it('the built file on a Node without MD5, as in FIPS mode, does without it where it can, and gives advice for NTLM', async () => {
    for (const provider of lists) {
      const { exitCode, text } = await statusOf(provider, { first: withoutMd5 });
      if (provider !== 'hyperv') {
        assert.equal(exitCode, 0, `${provider}: ${text}`);
        continue;
      }
      assert.equal(exitCode, 1);
      const { status, error } = JSON.parse(text) as { status: string; error: string };
      assert.equal(status, 'error');
      assert.match(error, /FIPS mode: use a Node\.js without it/);
    }
  });
});
