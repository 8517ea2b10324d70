import { fingerprintOf, readKey } from '../../../fakes/http/keys.ts';
import type { Cluster, Options } from '../../../fakes/pve/index.ts';
import type { Backend } from '../../conformance/backend.ts';
import { hyperVBackend } from '../../providers/hyperv/backend.ts';
import { maasBackend } from '../../providers/maas/backend.ts';
import { pageOptions, proxmoxBackend } from '../../providers/proxmox/backend.ts';
import { seedOptions } from '../../providers/proxmox/seed-scene.ts';
import { simulatorBackend } from '../../providers/simulator/backend.ts';
import type { HostDetails } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import type { Message } from './messages.ts';
import { type FaultProxy, startProxy } from './proxy.ts';
import { deadDrives, looseSeeds, withUserData } from './user-data.ts';

/** A remote system of one case, and the way to it. */
export interface System {
  readonly backend: Backend;
  /** Absent where there is no network in between. */
  readonly proxy: FaultProxy | undefined;
  /** Details that lead through the proxy, by another name of this host if one is given. */
  through(host?: string): HostDetails;
  /** The names of things on the system that belong to no machine; audit has to name them. */
  loose(): readonly string[];
  /** Releases everything that an ended process holds there, as the real system does after a while. */
  letGo(): void;
  /** Answers what was left there although no call is under way, such as disks of no machine. */
  close(): Promise<readonly string[]>;
}

/** How the system of a case differs from the usual one. */
export interface Wishes {
  /** The rights of the provider's page alone. */
  readonly narrowRights?: boolean;
  /** The instances bring user data. */
  readonly userData?: boolean;
}

export const systems = {
  proxmox: async (_, { narrowRights = false, userData = false }) =>
    userData ? seededProxmox() : proxmoxBehindProxy(narrowRights ? pageOptions() : {}),
  hyperv: async (_, { userData = false }) => {
    const backend = await hyperVBackend();
    const { fake } = backend;
    const letGo = (): void => fake.clearShells();
    return behindProxy(userData ? withUserData(backend) : backend, 'url', {
      ...{ isChange: isStep, rewritten: true, letGo },
    });
  },
  maas: async () => {
    const tls = readKey('trusted');
    const host = { tls_fingerprint: fingerprintOf('trusted') };
    return behindProxy(await maasBackend({ tls, host }), 'endpoint', {});
  },
  simulator: async (place: Place): Promise<System> => {
    const backend = await simulatorBackend(place);
    const close = async (): Promise<readonly string[]> => complaintsOf(backend);
    const through = (): HostDetails => ({
      // Long enough to be injected in the middle.
      host: { ...console, slow_task_ms: '150', ...backend.details().host },
    });
    return { backend, proxy: undefined, through, loose: () => [], letGo() {}, close };
  },
} as const satisfies Readonly<Record<string, (place: Place, wishes: Wishes) => Promise<System>>>;

export type SystemName = keyof typeof systems;

async function proxmoxBehindProxy(options: Options): Promise<System> {
  return behindProxy(await proxmoxBackend(options)(), 'url', {});
}

async function seededProxmox(): Promise<System> {
  const clusters: Cluster[] = [];
  const backend = await proxmoxBackend(seedOptions(), (made) => clusters.push(made))();
  const system = await behindProxy(withUserData(backend, { seed_storage: 'seeds' }), 'url', {});
  return {
    ...system,
    loose: () => clusters.flatMap(looseSeeds),
    async close() {
      return [...clusters.flatMap(deadDrives), ...(await system.close())];
    },
  };
}

const console = { console_url: 'https://console.example/{uuid}' };

interface Way {
  isChange?(message: Message): boolean;
  /** The target insists on its own address in what it is told. */
  readonly rewritten?: boolean;
  letGo?(): void;
}

const reading = (message: Message): boolean => message.head.startsWith('GET ');

async function behindProxy(backend: Backend, key: string, way: Way): Promise<System> {
  const { isChange = (message) => !reading(message), rewritten = false, letGo = () => {} } = way;
  const { port } = new URL(backend.details().host?.[key] ?? '');
  const target = `127.0.0.1:${port}`;
  const proxy = await startProxy({
    port: Number(port),
    isChange,
    ...(rewritten
      ? { rewrite: (text) => text.replaceAll(/(?<=\/\/)[\w.-]+:\d+(?=\/wsman)/g, target) }
      : {}),
  });
  return {
    backend,
    proxy,
    loose: () => [],
    letGo,
    through(name = proxy.address) {
      const details = backend.details();
      const url = `https://${name}:${proxy.port}`;
      return { ...details, host: { ...console, ...details.host, [key]: url } };
    },
    async close() {
      await proxy.close();
      letGo();
      return complaintsOf(backend);
    },
  };
}

/** Steps that only look, or hold something for no longer than their process lives. */
const looking = /^(machines?|inventory|state|resources|users|lock|inspect)$/;

/** A message that hands PowerShell a step which changes something. */
function isStep({ all, bodyAt }: Message): boolean {
  const [, text = ''] = /<rsp:Stream [^>]*>([^<]+)</.exec(all.toString('latin1', bodyAt)) ?? [];
  const script = Buffer.from(text, 'base64').toString('latin1');
  const [, step = 'lock'] = /^# outrigger command: ([\w-]+)$/m.exec(script) ?? [];
  return !looking.test(step);
}

async function complaintsOf(backend: Backend): Promise<readonly string[]> {
  try {
    await backend.close();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
