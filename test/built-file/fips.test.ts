import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { account } from '../../fakes/winrm/acceptor.ts';
import { type List, listOn, lists, openList } from '../instruments/scale/lists.ts';
import { type Ended, runProcess } from '../instruments/scale/process.ts';
import { hyperVBackend } from '../providers/hyperv/backend.ts';
import { builtFile } from '../support/spawned.ts';

/*
 * FIPS mode for real: this Node with OpenSSL's validated provider, which a distribution's package
 * brings (Debian 13 and later: openssl-provider-fips). Nothing else may answer for an algorithm.
 */

const modules = [
  process.env['OUTRIGGER_FIPS_MODULE'] ?? '',
  '/usr/lib/x86_64-linux-gnu/ossl-modules/fips.so',
  '/usr/lib/aarch64-linux-gnu/ossl-modules/fips.so',
  '/usr/lib64/ossl-modules/fips.so',
];

const module = modules.find((path) => existsSync(path));
const folder = mkdtempSync(join(tmpdir(), 'outrigger-fips-'));
const fips = {
  OPENSSL_CONF: join(folder, 'openssl.cnf'),
  OPENSSL_MODULES: dirname(module ?? folder),
};

/** Makes the configuration that puts a Node into FIPS mode; answers why there is none here. */
function prepare(): string | undefined {
  if (module === undefined) {
    return 'this machine has no FIPS provider of OpenSSL (Debian 13: openssl-provider-fips)';
  }
  const checked = join(folder, 'fipsmodule.cnf');
  const made = spawnSync('openssl', ['fipsinstall', '-module', module, '-out', checked]);
  if (made.status !== 0) return `openssl fipsinstall does not do for ${module}`;
  writeFileSync(fips.OPENSSL_CONF, settingsOf(checked));
  const asked = ['-p', 'crypto.getFips()'];
  const told = spawnSync(process.execPath, asked, { env: fips, encoding: 'utf8' });
  return told.stdout === '1\n' ? undefined : `this Node cannot load ${module}`;
}

function settingsOf(checked: string): string {
  return `
nodejs_conf = init
openssl_conf = init
.include ${checked}
[init]
providers = providers
alg_section = algorithms
[providers]
fips = fips_sect
base = base
[base]
activate = 1
[algorithms]
default_properties = fips=yes
`;
}

const reason = prepare();
if (reason !== undefined) rmSync(folder, { recursive: true });

describe('the built file in FIPS mode', { skip: reason ?? false }, () => {
  const standing = new Map<string, List>();
  before(async () => {
    for (const provider of lists) standing.set(provider, await openList(provider, 2));
  });
  after(async () => {
    for (const list of standing.values()) await list.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const call = (provider: string, action: 'status' | 'statuses'): Promise<Ended> => {
    const list = standing.get(provider) as List;
    const env = { ...list.env, ...fips };
    const order = { file: builtFile, payloadFile: list.payload(action), timeoutSeconds: 30 };
    return runProcess({ ...order, action, env });
  };

  it('knows that it is', () => {
    const env = { ...standing.get('simulator')?.env, ...fips };
    const told = spawnSync(builtFile, ['version', '--json'], { env, encoding: 'utf8' });
    assert.equal(JSON.parse(told.stdout).node.fips, true);
    const doctor = spawnSync(builtFile, ['doctor'], { env, encoding: 'utf8' });
    assert.match(doctor.stdout, /warn +FIPS .*\n.*NTLM logins cannot work/);
  });

  for (const provider of lists.filter((name) => name !== 'hyperv')) {
    it(`speaks to ${provider} as ever`, async () => {
      const one = await call(provider, 'status');
      assert.equal(one.exitCode, 0, one.text);
      assert.equal(JSON.parse(one.text).power_state, 'PowerOn');
      const all = await call(provider, 'statuses');
      assert.equal(all.exitCode, 0, all.text);
    });
  }

  it('cannot log in by NTLM, and says in one sentence what to do instead', async () => {
    const { exitCode, text } = await call('hyperv', 'status');
    assert.equal(exitCode, 1);
    const { error } = JSON.parse(text) as { error: string };
    assert.match(error, /This Node\.js has no MD5, which NTLM cannot do without/);
    assert.match(error, /authentication=basic with a local account over TLS/);
    assert.doesNotMatch(error, /digital envelope|0308010C/);
  });

  it('speaks to Hyper-V by Basic over TLS', async () => {
    const backend = await hyperVBackend({ offers: ['Negotiate', 'Basic'] });
    const basic = { authentication: 'basic', username: account.user };
    const details = { host: { ...backend.details().host, ...basic } };
    standing.set('basic', listOn({ ...backend, details: () => details }));
    await standing.get('basic')?.plant(1, 1);
    const { exitCode, text } = await call('basic', 'status');
    assert.equal(exitCode, 0, text);
    assert.equal(JSON.parse(text).power_state, 'PowerOn');
  });
});
