import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
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

/** Waits for the end of what takes time; fails with the server's own words. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<unknown>;

/** A server as it is after its installation, with nothing in it. */
export interface Daemon {
  readonly folder: string;
  /** The directory of its state, by which its own tools find it. */
  readonly home: string;
  readonly ask: Ask;
  /** Ends at once, as its machine does when its power is cut; its guests run on. */
  kill(): Promise<void>;
  /** Starts it again over the same state. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startDaemon(edition: Edition): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), `outrigger-${edition}-`));
  // Root of a container is another user, who has to get through to its files.
  chmodSync(folder, 0o755);
  const home = join(folder, 'home');
  mkdirSync(home);
  const ask = (method: string, path: string, body?: unknown) =>
    asked(join(home, 'unix.socket'), method, path, body);
  let child = await spawned(edition, folder, ask);
  process.once('exit', () => child.kill('SIGKILL'));
  return {
    ...{ folder, home, ask },
    kill: () => ended(child, 'SIGKILL'),
    async restart() {
      child = await spawned(edition, folder, ask);
    },
    async close() {
      await ended(child, 'SIGTERM');
      for (const mounted of mountsBelow(folder)) execFileSync('umount', ['-l', mounted]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function spawned(edition: Edition, folder: string, ask: Ask): Promise<ChildProcess> {
  const { title, program, home } = editions[edition];
  const child = spawn(program, ['--group', 'root', '--logfile', join(folder, 'log')], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', [home]: join(folder, 'home') },
    stdio: 'ignore',
  });
  for (let turn = 0; ; turn += 1) {
    const answered = await ask('GET', '/1.0').then(
      () => true,
      () => false,
    );
    if (answered) return child;
    if (turn > 300 || child.exitCode !== null) throw new Error(`${title} did not start`);
    await pause(100);
  }
}

/** Refusals that pass: a task is under way, or a member of a cluster has only just come back. */
const passing = /Instance is busy|isn't ready yet|Missing event connection/;

/** The image is answered by its task, which the caller waits for as for every other. */
export async function asked(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  triesLeft = 600,
): Promise<unknown> {
  const answer = await exchanged(socketPath, method, path, body);
  if (answer.type === 'error' && passing.test(answer.error) && triesLeft > 0) {
    await pause(50);
    return asked(socketPath, method, path, body, triesLeft - 1);
  }
  if (answer.type === 'error') throw new Error(`${method} ${path}: ${answer.error}`);
  if (answer.type !== 'async') return answer.metadata;
  const ended = await exchanged(socketPath, 'GET', `${answer.operation}/wait`);
  // Incus tells the failure of a task as an error, LXD as the task's own facts.
  const failed = ended.type === 'error' ? ended.error : failureIn(ended.metadata);
  if (failed === undefined) return (ended.metadata as { readonly metadata: unknown }).metadata;
  if (!passing.test(failed) || triesLeft === 0) throw new Error(`${method} ${path}: ${failed}`);
  await pause(50);
  return asked(socketPath, method, path, body, triesLeft - 1);
}

function failureIn(task: unknown): string | undefined {
  const { status_code: code, err } = task as Record<string, unknown>;
  return code === 200 ? undefined : String(err);
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

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
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
