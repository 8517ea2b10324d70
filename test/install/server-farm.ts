import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtFile } from '../support/spawned.ts';
import { makeServer, type Server } from './server.ts';
import type { SshIdentity } from './sshd.ts';
import { otherVersion } from './versions.ts';

/** Three management servers: real sshd's on loopback, each with a file system of its own. */
export interface Farm {
  readonly folder: string;
  readonly servers: Readonly<Record<'a' | 'b' | 'c', Server>>;
  /** The built file, and another version of it; copies, since the built one may be made anew. */
  readonly file: string;
  readonly next: string;
  /** The servers a, b and c in this order. */
  readonly all: readonly Server[];
  /** install.sh for a, b and c. */
  run(...args: readonly string[]): Promise<Done>;
  /** The same for a choice of them. */
  runOn(hosts: readonly string[], ...args: readonly string[]): Promise<Done>;
  /** The options by which install.sh reaches the servers, for tests that start it themselves. */
  readonly way: readonly string[];
  remove(): Promise<void>;
}

export interface Done {
  readonly code: number | null;
  /** Standard output and standard error in one. */
  readonly output: string;
}

const hasSnapshot = Object(process.config.variables)['node_use_node_snapshot'];

/** How --check ends where all is in order: it warns of a Node without a snapshot, as Debian builds it. */
export const inOrder: { readonly code: number; readonly last: string } =
  hasSnapshot === false || hasSnapshot === 0
    ? { code: 1, last: 'WARNING' }
    : { code: 0, last: 'OK' };

export const installer = join(process.cwd(), 'install.sh');

/** The reason why this machine cannot run such servers; undefined when it can. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start sshd and files of user cloud';
  const lacks = ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'].find(
    (file) => spawnSync('test', ['-x', file]).status !== 0,
  );
  if (lacks !== undefined) return `${lacks} is missing: install openssh-server`;
  if (spawnSync('getent', ['passwd', 'cloud']).status !== 0) {
    return 'there is no user cloud: useradd --system --user-group --no-create-home cloud';
  }
  return undefined;
}

/** For `describe`: a reason to skip on a user's machine, never where CI=true. */
export const skip: string | false =
  process.env['CI'] === undefined || process.env['CI'] === '' ? (missing() ?? false) : false;

/** Starts the servers; `remove` has to be called in the end. */
export async function startFarm(): Promise<Farm> {
  const reason = missing();
  if (reason !== undefined) throw new Error(reason);
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-farm-'));
  chmodSync(folder, 0o755);
  // sshd does not start without this folder, which only its systemd service makes.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const node = nodeForCloud(folder);
  const identity = makeIdentity(folder);
  const [a, b, c] = await Promise.all(
    ['a', 'b', 'c'].map((name) => makeServer(name, folder, identity, node)),
  );
  if (a === undefined || b === undefined || c === undefined) throw new Error('no servers');
  const all = [a, b, c];
  writeFileSync(join(folder, 'known_hosts'), all.map((server) => server.knownHost).join(''));
  const sshConfig = join(folder, 'ssh_config');
  writeFileSync(sshConfig, all.map((server) => server.sshConfig).join('\n'));
  const way = ['--ssh-config', sshConfig, '--prefix', join(folder, '%h')];
  const runOn = (hosts: readonly string[], ...args: readonly string[]) =>
    runScript(installer, [...hosts.flatMap((host) => ['--host', host]), ...way, ...args]);
  return {
    folder,
    ...filesIn(folder),
    servers: { a, b, c },
    all,
    way,
    runOn,
    run: (...args) => runOn(['a', 'b', 'c'], ...args),
    async remove() {
      await Promise.all(all.map((server) => server.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a script as cron does: without a terminal and without the environment of this process. */
export function runScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Done> {
  return new Promise((resolve, reject) => {
    const child = spawn(script, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/nonexistent', ...env },
    });
    let output = '';
    child.stdout.on('data', (part) => (output += part));
    child.stderr.on('data', (part) => (output += part));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function filesIn(folder: string): { readonly file: string; readonly next: string } {
  const file = join(folder, 'outrigger');
  copyFileSync(builtFile, file);
  return { file, next: otherVersion(file, 'next') };
}

/** A Node that user cloud may run: the one of this process if possible, else a copy. */
function nodeForCloud(folder: string): string {
  const works = spawnSync('runuser', ['-u', 'cloud', '--', process.execPath, '-e', '0'], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
  });
  if (works.status === 0) return process.execPath;
  const copy = join(folder, 'node');
  copyFileSync(process.execPath, copy);
  chmodSync(copy, 0o755);
  return copy;
}

function makeIdentity(folder: string): SshIdentity {
  const key = (name: string) => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    return join(folder, name);
  };
  return { client: key('client'), host: key('host'), knownHosts: join(folder, 'known_hosts') };
}
