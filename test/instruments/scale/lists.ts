import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf, readKey } from '../../../fakes/http/keys.ts';
import type { Backend } from '../../conformance/backend.ts';
import { hyperVBackend } from '../../providers/hyperv/backend.ts';
import { maasBackend } from '../../providers/maas/backend.ts';
import { proxmoxBackend } from '../../providers/proxmox/backend.ts';
import { simulatorBackend } from '../../providers/simulator/backend.ts';
import { payloadFor, system } from '../../support/payloads.ts';
import { serviceEnv } from '../../support/spawned.ts';
import { makePlace, type Place } from '../../support/world.ts';
import { installation, newInstance, standing } from '../bench/instance.ts';
import { watchTraffic } from '../bench/traffic.ts';

/** A system on which so many instances of one host stand, and calls about them. */
export interface List {
  readonly env: Readonly<Record<string, string>>;
  /** Writes the payload of a call; answers where. */
  payload(action: 'status' | 'statuses', id?: number): string;
  /** More instances, from one number to another. */
  plant(from: number, to: number): Promise<void>;
  /** So many have come to all systems since the process began. */
  requests(): number;
  close(): Promise<void>;
}

const traffic = watchTraffic();

/** By provider: an empty system of its kind. */
const openers: Readonly<Record<string, (place: Place) => Promise<Backend>>> = {
  hyperv: () => hyperVBackend(),
  maas: () =>
    maasBackend({
      tls: readKey('trusted'),
      host: { tls_fingerprint: fingerprintOf('trusted') },
    }),
  proxmox: () => proxmoxBackend()(),
  simulator: (place) => simulatorBackend(place),
};

export const lists: readonly string[] = Object.keys(openers);

/** A system of this provider with nothing on it; the simulator's is in the place's home. */
export async function emptySystem(provider: string, place: Place): Promise<Backend> {
  const open = openers[provider];
  if (open === undefined) throw new Error(`there is no system of ${provider}`);
  return open(place);
}

export async function openList(provider: string, instances: number): Promise<List> {
  const place = makePlace({});
  const list = listOn(await emptySystem(provider, place), place);
  await list.plant(1, instances);
  return list;
}

/** Calls about what stands on a system that is there already. */
export function listOn(backend: Backend, place: Place = makePlace({})): List {
  const config = join(place.folder, 'list.json');
  // Both are there on a server, and root makes neither.
  writeFileSync(place.logFile, '');
  mkdirSync(join(place.folder, 'log/outrigger-memo'), { mode: 0o700 });
  writeFileSync(config, JSON.stringify({ log: { file: place.logFile } }));
  return {
    env: { ...serviceEnv(), HOME: join(place.folder, 'home'), OUTRIGGER_CONFIG: config },
    async plant(from, to) {
      for (let id = from; id <= to; id += 1) await backend.plant(standing(id));
    },
    payload(action, id = 1) {
      const details = backend.details();
      const { provider } = backend;
      const host = { ...details, extension: { provider, installation, ...details.extension } };
      const vm = newInstance(id, {});
      return place.payload(payloadFor(action, { vm, host, caller: system }), `${action}.json`);
    },
    requests: () => traffic().requests,
    async close() {
      await backend.close();
      place.remove();
    },
  };
}
