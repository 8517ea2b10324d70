import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate for the server, one that libvirtd lets in, and one of the same issuer that it does not. */
export interface Identities {
  readonly server: Identity;
  readonly own: Identity;
  readonly other: Identity;
}

export function makeCertificates(): Identities {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-certificates-'));
  const openssl = (...words: readonly string[]) =>
    execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });
  const key = (name: string) => [
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', `${name}.key`, '-subj', `/CN=${name}`],
  ];
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  try {
    openssl('req', '-x509', ...key('ca'), '-out', 'ca.crt', '-days', '30');
    const issue = (name: string): Identity => {
      const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
      openssl('req', ...key(name), ...names, '-out', `${name}.csr`);
      const issuer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
      const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-copy_extensions', 'copy'];
      openssl('x509', '-req', ...files, ...issuer, '-days', '30');
      return { ca: read('ca.crt'), cert: read(`${name}.crt`), key: read(`${name}.key`) };
    };
    return { server: issue('server'), own: issue('own'), other: issue('other') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
