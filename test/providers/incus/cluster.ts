import { execFileSync } from 'node:child_process';
import { type Daemon, startDaemon } from './daemon.ts';
import { freePort, type Server, startServer } from './server.ts';

/** A genuine cluster of two members on this machine; the first one, `m1`, is the one that is asked. */
export interface Cluster {
  readonly first: Server;
  /** The member `m2`. */
  readonly second: Daemon;
  /** Starts the second member again after it was killed; ends when it serves its instances. */
  restartSecond(): Promise<void>;
  close(): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const first = await startServer('incus');
  const second = await startDaemon('incus');
  incus(first.home, ['cluster', 'enable', 'm1']);
  const token = incus(first.home, ['cluster', 'add', 'm2', '--quiet']).trim().split('\n').pop();
  const cluster = {
    ...{ enabled: true, server_address: `127.0.0.1:${await freePort()}` },
    ...{ cluster_token: token, member_config: [] },
  };
  incus(second.home, ['admin', 'init', '--preseed'], JSON.stringify({ cluster }));
  return {
    ...{ first, second },
    async restartSecond() {
      await second.restart();
      incus(second.home, ['admin', 'waitready', '--timeout', '60']);
    },
    async close() {
      await second.close();
      await first.close();
    },
  };
}

/** Only Incus's own tool knows how a token is made and used. */
function incus(home: string, words: readonly string[], input = ''): string {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, INCUS_DIR: home };
  return execFileSync('/usr/bin/incus', words, { env, input, encoding: 'utf8' });
}
