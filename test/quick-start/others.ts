import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprintOf, readKey } from '../../fakes/http/keys.ts';
import { startMaas } from '../../fakes/maas/server.ts';
import { account } from '../../fakes/winrm/acceptor.ts';
import { startHyperV } from '../../fakes/winrm/wsman.ts';
import type { StartSystem } from './system.ts';

/** A Hyper-V host; no PowerShell runs, so that the page's own is not played. */
export const hyperv: StartSystem = async () => {
  const host = await startHyperV();
  return {
    values: {
      'https://hv1.example.org:5986': host.url,
      FINGERPRINT: fingerprintOf('trusted'),
      'EXAMPLE\\svc-outrigger': `${account.domain}\\${account.user}`,
    },
    files: { 'hv-password': account.password },
    running: () =>
      [...host.state.machines.values()].filter(({ state }) => state === 'Running').length,
    close: host.close,
  };
};

export const maas: StartSystem = async () => {
  const region = await startMaas({ tls: readKey('trusted') });
  region.add();
  return {
    values: {
      'https://maas.example.org:5443': region.url,
      FINGERPRINT: fingerprintOf('trusted'),
    },
    files: { 'maas-key': region.user.key },
    running: () =>
      [...region.world.machines.values()].filter(({ status }) => status === 'deployed').length,
    close: region.close,
  };
};

/** Nothing answers: the page is followed as far as CloudStack's half goes. */
export const incus: StartSystem = async () => ({
  values: { FINGERPRINT: fingerprintOf('trusted') },
  files: {},
  running: () => 0,
  close: async () => {},
});

/** The same, with the authority that the page takes for given. */
export const libvirt: StartSystem = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-authority-'));
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', join(folder, 'cakey.pem'), '-out', join(folder, 'cacert.pem')];
  execFileSync('openssl', ['req', '-x509', ...curve, '-subj', '/CN=authority', ...files], {
    stdio: 'ignore',
  });
  const made = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
  rmSync(folder, { recursive: true });
  return {
    ...{ values: {}, files: Object.fromEntries(made) },
    running: () => 0,
    close: async () => {},
  };
};

/** A driver keeps its machines in a folder of the management server, where the commands make it. */
export const command: StartSystem = async () => ({
  ...{ values: {}, files: {} },
  running: () => 0,
  close: async () => {},
});
