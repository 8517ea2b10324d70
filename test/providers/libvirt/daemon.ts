import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Identity } from './certificates.ts';
import { images } from './images.ts';

/** Why the tests cannot start a libvirtd of their own here; CI has to have all of it. */
export function libvirtMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start libvirtd';
  const needed = [
    ...['/usr/sbin/libvirtd', '/usr/bin/virsh', '/usr/bin/qemu-system-x86_64'],
    ...['/usr/bin/qemu-img', '/usr/bin/unshare', '/usr/sbin/ip', '/usr/bin/openssl'],
  ];
  const lacking = needed.filter((file) => !existsSync(file));
  if (lacking.length === 0) return undefined;
  return `without ${lacking.join(', ')} (Debian: libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils iproute2 openssl)`;
}

/** A genuine libvirtd of the tests' own, alone in what it sees of the file system. */
export interface Daemon {
  readonly port: number;
  /** The folders of its pools `default` and `templates`, as the tests see them. */
  readonly pools: { readonly default: string; readonly templates: string };
  virsh(...words: readonly string[]): string;
  /** Ends libvirtd and starts it again; its guests go on. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The directories that every libvirtd of a machine would share. */
const own = [
  'etc/libvirt',
  'run/libvirt',
  'var/lib/libvirt',
  'var/cache/libvirt',
  'var/log/libvirt',
];

/** Accounts that libvirtd wants to know of, and that Debian's packages without systemd leave out. */
const accounts = {
  passwd: ['libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin'],
  group: ['libvirt-qemu:x:64055:', 'kvm:x:64056:', 'libvirt:x:64057:'],
} as const;

function writeAccounts(folder: string): void {
  for (const [name, lines] of Object.entries(accounts)) {
    const known = readFileSync(join('/etc', name), 'utf8').trimEnd().split('\n');
    const isKnown = (line: string) =>
      known.some((each) => each.split(':')[0] === line.split(':')[0]);
    const missing = lines.filter((line) => !isKnown(line));
    writeFileSync(join(folder, name), `${[...known, ...missing].join('\n')}\n`);
  }
}

const qemuConf = [
  ...['user = "root"', 'group = "root"', 'security_driver = "none"', 'cgroup_controllers = [ ]'],
  ...['namespaces = [ ]', 'remember_owner = 0', 'stdio_handler = "file"'],
];

let count = 0;

/** Each libvirtd gives out ports for screens of its own: it does not see those of the others. */
function screensOf(daemon: number): readonly string[] {
  const first = 10_000 + (process.pid % 40) * 1000 + daemon * 50;
  return [`remote_display_port_min = ${first}`, `remote_display_port_max = ${first + 49}`];
}

/** Asking QEMU for its abilities takes seconds: what one libvirtd has learned serves the next. */
const cache = 'var/cache/libvirt/qemu/capabilities';

export async function startDaemon(
  identity: Identity,
  learnt?: string,
): Promise<Daemon & { readonly learnt: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-libvirt-'));
  for (const each of own) mkdirSync(join(folder, each), { recursive: true });
  for (const each of ['images', 'templates', 'qemu'])
    mkdirSync(join(folder, 'var/lib/libvirt', each));
  for (const each of ['var/log/libvirt/qemu', cache])
    mkdirSync(join(folder, each), { recursive: true });
  if (learnt !== undefined) cpSync(learnt, join(folder, cache), { recursive: true });
  const port = await freePort();
  count += 1;
  writeFileSync(
    join(folder, 'etc/libvirt/qemu.conf'),
    [...qemuConf, ...screensOf(count)].join('\n'),
  );
  writeAccounts(folder);
  writeFileSync(join(folder, 'libvirtd.conf'), confOf(port, identity, folder));
  const socket = join(folder, 'run/libvirt/libvirt-sock');
  const virsh = (...words: readonly string[]): string =>
    execFileSync('virsh', ['-q', '-c', `qemu+unix:///system?socket=${socket}`, ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const child = await started(folder, port, virsh);
  process.once('exit', () => child.kill('SIGKILL'));
  for (const [name, path] of [
    ['default', 'images'],
    ['templates', 'templates'],
  ] as const) {
    virsh('pool-define-as', name, 'dir', '--target', `/var/lib/libvirt/${path}`);
    virsh('pool-start', name);
  }
  for (const [name, content] of Object.entries(images())) {
    writeFileSync(join(folder, 'var/lib/libvirt/templates', name), content);
  }
  return {
    port,
    pools: {
      default: join(folder, 'var/lib/libvirt/images'),
      templates: join(folder, 'var/lib/libvirt/templates'),
    },
    learnt: join(folder, cache),
    virsh,
    async restart() {
      rmSync(socket);
      process.kill(shellOf(child), 'SIGHUP');
      await answering(folder, port, child, virsh);
    },
    async close() {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function confOf(port: number, { ca, cert, key }: Identity, folder: string): string {
  const files = Object.entries({ ca, cert, key }).map(([name, content]) => {
    const file = join(folder, `${name}.pem`);
    writeFileSync(file, content);
    return `${name}_file = "${file}"`;
  });
  return [
    ...['listen_tls = 1', 'listen_tcp = 0', 'listen_addr = "127.0.0.1"', `tls_port = "${port}"`],
    ...[...files, 'tls_allowed_dn_list = ["CN=own"]', 'auth_unix_rw = "none"'],
    ...[`log_outputs = "3:file:${folder}/libvirtd.log"`, 'log_level = 3'],
    ...['keepalive_interval = 1', 'keepalive_count = 2'],
  ].join('\n');
}

async function started(
  folder: string,
  port: number,
  virsh: (...words: string[]) => string,
): Promise<ChildProcess> {
  const script = [
    'set -e',
    'mount --make-rprivate /',
    ...['passwd', 'group'].map((file) => `mount --bind ${folder}/${file} /etc/${file}`),
    // Each program of QEMU would be asked for its abilities, and one is enough here.
    'for each in /usr/bin/qemu-system-*; do [ "$each" = /usr/bin/qemu-system-x86_64 ] || [ -L "$each" ] || mount --bind /dev/null "$each"; done',
    // Hosts with KVM and without it shall behave alike in the tests.
    `mkdir -p ${folder}/dev; mount -t tmpfs none ${folder}/dev; mkdir ${folder}/dev/pts`,
    `for each in full net null ptmx random shm tty urandom zero; do [ ! -e /dev/$each ] || cp -a /dev/$each ${folder}/dev/; done`,
    `mount --bind /dev/pts ${folder}/dev/pts; mount --rbind ${folder}/dev /dev`,
    ...own.map((each) => `mkdir -p /${each}; mount --bind ${folder}/${each} /${each}`),
    // The shell is the first process of its namespace: it takes leave of guests that have ended, and all
    // of them end with it. On SIGHUP libvirtd is started anew.
    "trap 'kill $server' HUP",
    'while true; do',
    `rm -f ${folder}/libvirtd.pid`,
    `/usr/sbin/libvirtd --listen -f ${folder}/libvirtd.conf -p ${folder}/libvirtd.pid & server=$!`,
    'while kill -0 $server 2>/dev/null; do wait $server || true; done',
    'done',
  ].join('\n');
  const child = spawn('unshare', [...namespaces, 'bash', '-c', script], { stdio: 'ignore' });
  await answering(folder, port, child, virsh);
  return child;
}

const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

async function answering(
  folder: string,
  port: number,
  child: ChildProcess,
  virsh: (...words: string[]) => string,
): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      virsh('list');
      break;
    } catch (error) {
      if (turn > 300 || child.exitCode !== null) {
        throw new Error(`libvirtd did not start on ${port}: ${logOf(folder)}`, { cause: error });
      }
      await pause(100);
    }
  }
}

function logOf(folder: string): string {
  const file = join(folder, 'libvirtd.log');
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-1000) : 'it wrote no log';
}

/** The shell, which is the one child of its own starter. */
function shellOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
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
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
