import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The two servers that speak this API, as Debian installs them. */
export const editions = {
  lxd: { title: 'LXD', program: '/usr/bin/lxd', home: 'LXD_DIR', package: 'lxd' },
  incus: {
    title: 'Incus',
    program: '/usr/libexec/incus/incusd',
    home: 'INCUS_DIR',
    package: 'incus-base',
  },
} as const;

export type Edition = keyof typeof editions;

/** Why the tests cannot start a server of their own here; CI has to have all of it. */
export function missingFor(edition: Edition): string | undefined {
  const { title, program, package: name } = editions[edition];
  if (process.getuid?.() !== 0) return `only root can start ${title}`;
  const needed = [program, '/bin/busybox', '/usr/sbin/ip', '/usr/bin/openssl'];
  const lacking = needed.filter((file) => !existsSync(file));
  if (lacking.length === 0) return undefined;
  return `without ${lacking.join(', ')} (Debian: ${name} busybox-static iproute2 openssl)`;
}

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A genuine server of the tests' own, asked over its socket with all rights. */
export interface Server {
  readonly edition: Edition;
  readonly port: number;
  /** A certificate that the server trusts, and one that it trusts for the project `elsewhere` only. */
  readonly own: Identity;
  readonly restricted: Identity;
  /** Waits for the end of what takes time; fails with the server's own words. */
  ask(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Lets the restricted certificate into one project more. */
  allow(project: string): Promise<void>;
  /** The root file system of an instance, as the server keeps it. */
  rootOf(project: string, name: string): string;
  close(): Promise<void>;
}

/** The images by alias: one whose guest goes down unless it has a file /deaf, and one that cannot start. */
export const images = ['busybox', 'broken'] as const;

export async function startServer(edition: Edition): Promise<Server> {
  const { title, program, home: homeVariable } = editions[edition];
  const folder = mkdtempSync(join(tmpdir(), `outrigger-${edition}-`));
  // Root of a container is another user, who has to get through to its files.
  chmodSync(folder, 0o755);
  const home = join(folder, 'home');
  mkdirSync(home);
  const child = spawn(program, ['--group', 'root', '--logfile', join(folder, 'log')], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', [homeVariable]: home },
    stdio: 'ignore',
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const socket = join(home, 'unix.socket');
  const ask = (method: string, path: string, body?: unknown) => asked(socket, method, path, body);
  for (let turn = 0; ; turn += 1) {
    const answered = await ask('GET', '/1.0').then(
      () => true,
      () => false,
    );
    if (answered) break;
    if (turn > 300 || child.exitCode !== null) throw new Error(`${title} did not start`);
    await pause(100);
  }
  const [own, restricted] = [identity(folder, 'own'), identity(folder, 'restricted')];
  const port = await freePort();
  await setUp(ask, { port, own, restricted });
  await addImages(socket, folder, ask);
  return {
    ...{ edition, port, own, restricted, ask },
    async allow(project) {
      const { fingerprint256 } = new X509Certificate(restricted.cert);
      const at = `/1.0/certificates/${fingerprint256.replaceAll(':', '').toLowerCase()}`;
      const now = (await ask('GET', at)) as { readonly projects: readonly string[] };
      await ask('PUT', at, { ...now, projects: [...now.projects, project] });
    },
    rootOf: (project, name) =>
      join(home, 'storage-pools/default/containers', `${project}_${name}`, 'rootfs'),
    async close() {
      await ended(child);
      for (const mounted of mountsBelow(folder)) execFileSync('umount', ['-l', mounted]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function setUp(
  ask: Server['ask'],
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

async function addImages(socket: string, folder: string, ask: Server['ask']): Promise<void> {
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

/** The image is answered by its task, which the caller waits for as for every other. */
async function asked(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const answer = await exchanged(socketPath, method, path, body);
  if (answer.type === 'error' && answer.error.includes('Instance is busy')) {
    await pause(50);
    return asked(socketPath, method, path, body);
  }
  if (answer.type === 'error') throw new Error(`${method} ${path}: ${answer.error}`);
  if (answer.type !== 'async') return answer.metadata;
  const ended = await exchanged(socketPath, 'GET', `${answer.operation}/wait`);
  const { status_code: code, err, metadata } = ended.metadata as Record<string, unknown>;
  if (code !== 200) throw new Error(`${method} ${path}: ${err}`);
  return metadata;
}

interface Answered {
  readonly type: 'sync' | 'async' | 'error';
  readonly error: string;
  readonly operation: string;
  readonly metadata: unknown;
}

function exchanged(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body);
    request({ socketPath, method, path }, (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    })
      .on('error', reject)
      .end(sent);
  });
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

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** LXD leaves its mounts to the next one of its kind; the innermost come first. */
function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${folder}/`))
    .sort()
    .reverse();
}
