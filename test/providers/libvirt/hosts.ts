import type { Client } from '../../../src/providers/libvirt/api/client.ts';
import { adminClient } from './admin.ts';
import { makeBridges } from './bridges.ts';
import { type Identities, makeCertificates } from './certificates.ts';
import { type Daemon, startDaemon } from './daemon.ts';

/** A daemon with a client past the proxy, and the bridges that its guests are connected to. */
export interface Host {
  readonly daemon: Daemon;
  readonly client: Client;
  /** The names of its bridges but for the VLAN. */
  readonly bridges: string;
  /** The templates have changed their names. */
  swapped: boolean;
}

/** So many daemons as cases run at once, each of one case at a time: starting one takes seconds. */
export interface Hosts {
  readonly identities: Identities;
  take(): Promise<Host>;
  giveBack(host: Host): void;
  close(): Promise<void>;
}

/** QEMU emulates on the cores that the tests have: with more guests at once, each is too slow for its time. */
const most = 3;

export function createHosts(): Hosts {
  const identities = makeCertificates();
  const free: Host[] = [];
  const ends: (() => Promise<void>)[] = [];
  /** One after the other: the first learns for all of them what QEMU can do. */
  let last: Promise<string | undefined> = Promise.resolve(undefined);
  let count = 0;
  let asked = 0;
  const waiting: ((host: Host) => void)[] = [];

  const start = async (learnt: string | undefined): Promise<Host & { readonly learnt: string }> => {
    count += 1;
    const daemon = await startDaemon(identities.server, learnt);
    const bridges = `l${process.pid.toString(36)}${count.toString(36)}v`;
    const removeBridges = makeBridges(bridges);
    const client = adminClient(daemon.port, identities.own);
    ends.push(async () => {
      client.close();
      await daemon.close();
      removeBridges();
    });
    if (learnt === undefined) daemon.virsh('domcapabilities');
    return { daemon, client, bridges, swapped: false, learnt: daemon.learnt };
  };

  return {
    identities,
    async take() {
      const idle = free.pop();
      if (idle !== undefined) return idle;
      if (asked >= most) return new Promise((resolve) => waiting.push(resolve));
      asked += 1;
      const started = last.then(start);
      last = started.then(
        ({ learnt }) => learnt,
        () => undefined,
      );
      return started;
    },
    giveBack(host) {
      const next = waiting.shift();
      if (next === undefined) free.push(host);
      else next(host);
    },
    async close() {
      for (const end of ends) await end();
    },
  };
}
