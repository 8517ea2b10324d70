import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isRoot } from './disk.ts';

/*
 * The addresses of a name, for one process only: it is started in a mount namespace of its own, where
 * another file stands in the place of /etc/hosts or /etc/resolv.conf.
 */

/** Why it cannot be done here, if so. */
export function lacksNames(): string | undefined {
  if (!isRoot) return 'names can be made up by root only, in a mount namespace';
  const { status } = spawnSync('unshare', ['--mount', 'true']);
  return status === 0 ? undefined : 'this system makes no mount namespaces';
}

/** The command that runs its own arguments with this file in the place of another. */
export function instead(of: string, folder: string, content: string): readonly string[] {
  const file = join(folder, of.replaceAll('/', '-'));
  writeFileSync(file, content);
  return ['unshare', '--mount', 'sh', '-c', `mount --bind "$0" ${of} && exec "$@"`, file];
}

let resolvers = 0;

/** A resolver that knows every name by one address, after so many milliseconds or never. */
export async function startResolver(
  known: string,
  delayMs: number,
): Promise<{ readonly address: string; close(): void }> {
  resolvers += 1;
  const address = `127.53.${resolvers >> 8}.${resolvers & 255}`;
  const socket = createSocket('udp4');
  const timers = new Set<NodeJS.Timeout>();
  socket.on('message', (query, { port, address: from }) => {
    if (!Number.isFinite(delayMs)) return;
    timers.add(setTimeout(() => socket.send(answerTo(query, known), port, from), delayMs));
  });
  socket.bind(53, address);
  await once(socket, 'listening');
  return {
    address,
    close() {
      for (const timer of timers) clearTimeout(timer);
      socket.close();
    },
  };
}

/** RFC 1035: the question again, and an address for a question of type A. */
function answerTo(query: Buffer, known: string): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const isA = query.readUInt16BE(end - 4) === 1;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(isA ? 1 : 0, 6);
  header.fill(0, 8, 12);
  const bytes = known.split('.').map(Number);
  const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...bytes]);
  return Buffer.concat([header, query.subarray(12, end), ...(isA ? [record] : [])]);
}

/** Takes the port on ::1 and answers no client: the queue of a stopped process is full. */
export async function startDeadListener(port: number): Promise<{ close(): void }> {
  const script = `require('net').createServer().listen({port:${port},host:'::1',backlog:1},()=>console.log())`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 4 }, () => connect(port, '::1').on('error', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    close() {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
    },
  };
}
