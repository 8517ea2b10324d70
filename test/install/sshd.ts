import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';

/** Paths of the keys that a test run has made, and of its known_hosts. */
export interface SshIdentity {
  readonly client: string;
  readonly host: string;
  readonly knownHosts: string;
}

/** An sshd of Debian's package on a port of its own; not started yet. */
export interface Sshd {
  /** What a client's ssh_config needs to reach it by its name. */
  readonly clientConfig: string;
  /** Its line in known_hosts. */
  readonly knownHost: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  cutSessions(): Promise<void>;
}

/** `root` is where the server's files lie; its `tools` come first in the PATH of a session. */
export async function makeSshd(name: string, root: string, identity: SshIdentity): Promise<Sshd> {
  const port = await freePort();
  const config = writeSshdConfig(root, port, identity);
  let sshd: ChildProcess | undefined;
  return {
    clientConfig: clientConfig(name, port, identity),
    knownHost: `${name} ${readFileSync(`${identity.host}.pub`, 'utf8')}`,
    async start() {
      // By its absolute path, which sshd needs to start itself anew for every session.
      sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], { stdio: 'ignore' });
      await listening(port);
    },
    async stop() {
      const child = sshd;
      if (child === undefined || child.exitCode !== null) return;
      await new Promise((done) => {
        child.on('close', done);
        child.kill();
      });
    },
    async cutSessions() {
      for (const pid of childrenOf(sshd?.pid)) process.kill(pid, 'SIGKILL');
    },
  };
}

function writeSshdConfig(root: string, port: number, { client, host }: SshIdentity): string {
  const file = `${root}.sshd_config`;
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${host}`,
    `AuthorizedKeysFile ${client}.pub`,
    'PidFile none',
    'UsePAM no',
    // The keys lie below /tmp, in which every user may write.
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    // With SHLVL, bash leaves out root's .bashrc, which on a developer's machine may take a second.
    `SetEnv PATH=${root}/tools:/usr/bin:/bin SHLVL=1`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

function clientConfig(name: string, port: number, { client, knownHosts }: SshIdentity): string {
  return `Host ${name}
  HostName 127.0.0.1
  Port ${port}
  User root
  HostKeyAlias ${name}
  IdentityFile ${client}
  IdentitiesOnly yes
  UserKnownHostsFile ${knownHosts}
  GlobalKnownHostsFile /dev/null
`;
}

function childrenOf(pid: number | undefined): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}

/** A port that was free a moment ago: sshd has to be given a number. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`sshd does not listen on port ${port}`);
}
