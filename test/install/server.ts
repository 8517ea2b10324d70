import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeSshd, type SshIdentity } from './sshd.ts';

/** A management server: an sshd, and the part of a file system that CloudStack's packages make. */
export interface Server {
  readonly name: string;
  readonly root: string;
  /** The extensions directory itself, behind the link. */
  readonly tree: string;
  readonly sshConfig: string;
  readonly knownHost: string;
  /** Path, owner, group, mode and content of every file: equal before and after where nothing changed. */
  listing(): string;
  read(path: string): string;
  /** Writes a file, and makes the folders that it lies in; `owner` is `user:group`. */
  write(path: string, text: string, mode?: number, owner?: string): void;
  /** Puts a shell script in the place of node, or (undefined) one that fails as a missing node does. */
  setNode(script: string | undefined): void;
  /** Puts the working Node back. */
  mendNode(): void;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends the sessions that are open, as a cut line would. */
  cutSessions(): Promise<void>;
}

export async function makeServer(
  name: string,
  folder: string,
  identity: SshIdentity,
  node: string,
): Promise<Server> {
  const root = join(folder, name);
  makeFileSystem(root, node);
  const sshd = await makeSshd(name, root, identity);
  const server: Server = {
    name,
    root,
    tree: join(root, 'etc/cloudstack/extensions'),
    sshConfig: sshd.clientConfig,
    knownHost: sshd.knownHost,
    listing: () => list(root, ''),
    read: (path) => readFileSync(join(root, path), 'utf8'),
    write(path, text, mode = 0o755, owner = 'root:root') {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      chmodSync(file, mode);
      execFileSync('chown', [owner, file]);
    },
    setNode: (script) => setNode(root, script),
    mendNode: () => linkNode(root, node),
    start: sshd.start,
    stop: sshd.stop,
    cutSessions: sshd.cutSessions,
  };
  await server.start();
  return server;
}

/** Makes the files that CloudStack's packages make, with their link to /etc/cloudstack/extensions. */
function makeFileSystem(root: string, node: string): void {
  for (const path of ['usr/share/cloudstack-management', 'etc/default', 'nodes', 'var/lib']) {
    mkdirSync(join(root, path), { recursive: true, mode: 0o755 });
  }
  mkdirSync(join(root, 'etc/cloudstack/extensions/Proxmox'), { recursive: true, mode: 0o755 });
  symlinkSync(
    '/etc/cloudstack/extensions',
    join(root, 'usr/share/cloudstack-management/extensions'),
  );
  const builtIn = join(root, 'etc/cloudstack/extensions/Proxmox/proxmox.sh');
  writeFileSync(builtIn, '#!/bin/sh\necho the built-in script\n');
  chmodSync(builtIn, 0o755);
  execFileSync('chown', ['-R', 'cloud:cloud', join(root, 'etc/cloudstack/extensions')]);
  const path = `${join(root, 'nodes')}:/usr/bin:/bin`;
  writeFileSync(join(root, 'etc/default/cloudstack-management'), `JAVA_OPTS=""\nPATH="${path}"\n`);
  linkNode(root, node);
}

function linkNode(root: string, node: string): void {
  rmSync(join(root, 'nodes/node'), { force: true });
  symlinkSync(node, join(root, 'nodes/node'));
}

function setNode(root: string, script: string | undefined): void {
  const file = join(root, 'nodes/node');
  rmSync(file, { force: true });
  const none = '#!/bin/sh\necho "env: node: No such file or directory"\nexit 127\n';
  writeFileSync(file, script ?? none);
  chmodSync(file, 0o755);
}

function list(root: string, path: string): string {
  return readdirSync(join(root, path))
    .sort()
    .map((entry) => {
      const below = join(path, entry);
      const stats = lstatSync(join(root, below));
      const owner = `${stats.uid}:${stats.gid} ${stats.mode.toString(8)}`;
      const line = `${below} ${owner} ${contentOf(join(root, below), stats)}\n`;
      return stats.isDirectory() ? line + list(root, below) : line;
    })
    .join('');
}

/** A hash, since two versions of the file may have the same size. */
function contentOf(file: string, stats: Stats): string {
  if (stats.isDirectory()) return 'dir';
  const content = stats.isSymbolicLink() ? readlinkSync(file) : readFileSync(file);
  return createHash('sha256').update(content).digest('hex');
}
