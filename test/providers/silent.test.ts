import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fingerprintOf, readKey } from '../../fakes/http/keys.ts';
import { account } from '../../fakes/winrm/acceptor.ts';
import { resolveFields } from '../../src/cloudstack/details.ts';
import { collectIssues } from '../../src/cloudstack/issues.ts';
import { registry } from '../../src/providers/index.ts';
import { deadlineIn, failureOf, serve } from '../support/http-client.ts';
import type { Details } from '../support/payloads.ts';

const { cert, key } = readKey('self-signed');

/** The details with which each provider connects to a server; `given` is what details take from files. */
const connections: Readonly<
  Record<string, (url: string) => { details: Details; given?: Details }>
> = {
  proxmox: (url) => ({
    details: { url, user: 'cs@pve', token: 'cs', secret: 'b1c2', node: 'pve1' },
  }),
  maas: (endpoint) => ({ details: { endpoint, apikey: 'aaa:bbb:ccc' } }),
  incus: (url) => ({
    details: { url, project: 'default' },
    given: { client_cert_file: cert, client_key: key },
  }),
  hyperv: (url) => ({
    details: {
      url,
      username: `${account.domain}\\${account.user}`,
      password: account.password,
      network_switch: 'External',
      vhd_path: 'D:\\Disks',
      vm_path: 'D:\\Machines',
    },
  }),
};

describe('a system that was unreachable and now takes connections, but answers nothing', {
  concurrency: true,
}, () => {
  for (const [name, connection] of Object.entries(connections)) {
    it(`costs a call of ${name} 5 s, not all of its time`, async (t) => {
      const deaf = await serve(t, () => {});
      const provider = await registry[name]?.();
      assert.ok(provider);
      const { details, given } = connection(deaf.url);
      const all = { ...details, tls_fingerprint: fingerprintOf('trusted') };
      const levels = [{ name: 'host', details: all }] as const;
      const { values } = resolveFields(provider.settings, {
        levels,
        issues: collectIssues(),
        secretsDirectory: '/nowhere',
      });
      const deadline = deadlineIn(30_000);
      const driver = await provider.connect(
        { ...values, ...given },
        { deadline, log: () => {}, suspect: true, installation: '', stateDirectory: () => '' },
      );
      const startedMs = performance.now();
      const { message } = await failureOf(driver.list('own', deadline));
      const waitedMs = performance.now() - startedMs;
      assert.match(message, /was unreachable moments ago .* did not answer .* within 5 s/);
      assert.ok(waitedMs < 9_000, `${waitedMs} ms`);
      assert.equal(deaf.seen.length, 1, 'it is asked once');
      await driver.close?.();
    });
  }
});
