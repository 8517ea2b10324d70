import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fingerprintOf, readKey } from '../../../fakes/http/keys.ts';
import { ownAcceptor } from '../../../fakes/winrm/acceptor.ts';
import type { Backend } from '../../conformance/backend.ts';
import { hyperVBackend } from '../../providers/hyperv/backend.ts';
import { maasBackend } from '../../providers/maas/backend.ts';
import { proxmoxBackend } from '../../providers/proxmox/backend.ts';
import { type List, listOn } from './lists.ts';

/** The memory of so many calls that all wait for the remote system at the same time. */
export interface Load {
  readonly calls: number;
  /** Shared pages are divided among those who share them, so that the sum is what is really used. */
  readonly pssMegabytes: number;
  /** The memory of the calls as `top` shows it; the sum counts shared pages many times. */
  readonly rssMegabytes: number;
}

/** A system that takes requests and never answers; counts those that it holds. */
interface Holding {
  readonly backend: Backend;
  held(): number;
}

const holders: Readonly<Record<string, () => Promise<Holding>>> = {
  async hyperv() {
    const inner = ownAcceptor();
    let held = 0;
    // The second step of a login is where the client has loaded all it needs for one.
    const steps = new Set<string>();
    const backend = await hyperVBackend({
      acceptor: {
        ...inner,
        step(login, ...more) {
          if (!steps.has(login)) {
            steps.add(login);
            return inner.step(login, ...more);
          }
          held += 1;
          return new Promise(() => {});
        },
      },
    });
    return { backend, held: () => held };
  },
  async maas() {
    const tls = { tls: readKey('trusted'), host: { tls_fingerprint: fingerprintOf('trusted') } };
    const backend = await maasBackend(tls);
    let held = 0;
    backend.fake.disturb(() => {
      held += 1;
      return 'silence';
    });
    return { backend, held: () => held };
  },
  async proxmox() {
    let hits = (): number => 0;
    const backend = await proxmoxBackend({}, ({ faults }) => {
      const fault = faults.request({ hang: 'before', times: Number.POSITIVE_INFINITY });
      hits = () => fault.hits;
    })();
    return { backend, held: () => hits() };
  },
};

export const loads: readonly string[] = Object.keys(holders);

/** Starts status calls one by one until so many wait, each halted where it waits, and weighs them. */
export async function measureLoad(
  provider: string,
  file: string,
  sizes: readonly number[],
): Promise<readonly Load[]> {
  const hold = holders[provider];
  if (hold === undefined) throw new Error(`there is no load of ${provider}`);
  const { backend, held } = await hold();
  const list = listOn(backend);
  const load: ChildProcess[] = [];
  try {
    const weighed: Load[] = [];
    for (const size of sizes) {
      while (load.length < size) load.push(await startHalted(file, list, held));
      weighed.push(weigh(load));
    }
    return weighed;
  } finally {
    for (const child of load) child.kill('SIGKILL');
    await list.close();
  }
}

/** Halted, none of them comes to the end of its time while the others start. */
async function startHalted(file: string, list: List, held: () => number): Promise<ChildProcess> {
  const before = held();
  const child = spawn(file, ['status', list.payload('status'), '1800'], {
    env: list.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  for (let tries = 0; held() === before; tries += 1) {
    if (child.exitCode !== null || tries > 1000) throw new Error('a call has not come to wait');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGSTOP');
  return child;
}

function weigh(load: readonly ChildProcess[]): Load {
  const all = load.map(({ pid }) => readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
  const sum = (key: string): number =>
    all.reduce(
      (total, text) => total + Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(text)?.[1]),
      0,
    );
  const [pssMegabytes = 0, rssMegabytes = 0] = ['Pss', 'Rss'].map((key) => sum(key) / 1024);
  return { calls: load.length, pssMegabytes, rssMegabytes };
}
