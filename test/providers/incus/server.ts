import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Ask, asked, type Edition, startDaemon } from './daemon.ts';

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A genuine server of the tests' own, asked over its socket with all rights. */
export interface Server {
  readonly edition: Edition;
  readonly home: string;
  readonly port: number;
  /** A certificate that the server trusts, and one that it trusts for the project `elsewhere` only. */
  readonly own: Identity;
  readonly restricted: Identity;
  readonly ask: Ask;
  /** Lets the restricted certificate into one project more. */
  allow(project: string): Promise<void>;
  /** The root file system of an instance, as the server keeps it. */
  rootOf(project: string, name: string): string;
  /** The files of a custom volume. */
  volumeOf(project: string, name: string): string;
  close(): Promise<void>;
}

/** The images by alias: one whose guest goes down unless it has a file /deaf, and one that cannot start. */
export const images = ['busybox', 'broken'] as const;

export async function startServer(edition: Edition): Promise<Server> {
  const daemon = await startDaemon(edition);
  const { folder, home, ask } = daemon;
  const [own, restricted] = [identity(folder, 'own'), identity(folder, 'restricted')];
  const port = await freePort();
  await setUp(ask, { port, own, restricted });
  await addImages(join(home, 'unix.socket'), folder, ask);
  return {
    ...{ edition, home, port, own, restricted, ask },
    async allow(project) {
      const { fingerprint256 } = new X509Certificate(restricted.cert);
      const at = `/1.0/certificates/${fingerprint256.replaceAll(':', '').toLowerCase()}`;
      const now = (await ask('GET', at)) as { readonly projects: readonly string[] };
      await ask('PUT', at, { ...now, projects: [...now.projects, project] });
    },
    rootOf: (project, name) =>
      join(home, 'storage-pools/default/containers', `${project}_${name}`, 'rootfs'),
    volumeOf: (project, name) => join(home, 'storage-pools/default/custom', `${project}_${name}`),
    close: daemon.close,
  };
}

async function setUp(
  ask: Ask,
  { port, own, restricted }: Pick<Server, 'port' | 'own' | 'restricted'>,
): Promise<void> {
  await ask('PATCH', '/1.0', { config: { 'core.https_address': `127.0.0.1:${port}` } });
  await ask('POST', '/1.0/projects', { name: 'elsewhere', config: {} });
  const trust = { type: 'client', restricted: false };
  await ask('POST', '/1.0/certificates', { ...trust, name: 'own', certificate: der(own) });
  await ask('POST', '/1.0/certificates', {
    ...{ ...trust, name: 'restricted', certificate: der(restricted) },
    ...{ restricted: true, projects: ['elsewhere'] },
  });
  await ask('POST', '/1.0/storage-pools', { name: 'default', driver: 'dir' });
  const root = { type: 'disk', path: '/', pool: 'default' };
  await ask('PUT', '/1.0/profiles/default', { devices: { root } });
}

async function addImages(socket: string, folder: string, ask: Ask): Promise<void> {
  for (const alias of images) {
    const answer = await asked(socket, 'POST', '/1.0/images', imageFile(folder, alias));
    const { fingerprint: target } = answer as { fingerprint: string };
    await ask('POST', '/1.0/images/aliases', { name: alias, target });
  }
}

/** A guest that goes down when the server asks for it, unless the image is the deaf one. */
function imageFile(folder: string, alias: (typeof images)[number]): Buffer {
  const at = join(folder, alias);
  for (const each of ['bin', 'sbin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'run']) {
    mkdirSync(join(at, 'rootfs', each), { recursive: true });
  }
  execFileSync('cp', ['/bin/busybox', join(at, 'rootfs/bin/busybox')]);
  for (const tool of ['sh', 'sleep']) {
    execFileSync('ln', ['-s', 'busybox', join(at, 'rootfs/bin', tool)]);
  }
  const trap = "trap '[ -e /deaf ] || exit 0' PWR";
  const init = `#!/bin/sh\n${trap}\nwhile [ -e /content ]; do sleep 1 & wait $!; done\n`;
  if (alias !== 'broken') writeFileSync(join(at, 'rootfs/sbin/init'), init, { mode: 0o755 });
  writeFileSync(join(at, 'rootfs/content'), alias);
  const about = { architecture: 'x86_64', creation_date: 1_700_000_000, properties: { os: alias } };
  writeFileSync(join(at, 'metadata.yaml'), JSON.stringify(about));
  execFileSync('tar', ['czf', `${at}.tar.gz`, '-C', at, 'metadata.yaml', 'rootfs']);
  return readFileSync(`${at}.tar.gz`);
}

function identity(folder: string, name: string): Identity {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', cert, '-days', '30', '-subj', `/CN=${name}`];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files], { stdio: 'ignore' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

function der({ cert }: Identity): string {
  return new X509Certificate(cert).raw.toString('base64');
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
