import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Given, NetworkBackend } from '../../conformance/network/backend.ts';
import type { Details } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import { simulatorBackend, stateOf } from './backend.ts';

type Json = Record<string, unknown>;

/** The simulator's networks and guests' data, looked at as files without the simulator's own code. */
export async function simulatorNetworkBackend(place: Place): Promise<NetworkBackend> {
  const machines = await simulatorBackend(place);
  const state = stateOf(place);
  let script: Details = {};
  return {
    machines,
    offers: { networks: true, guests: true },
    registration: () => script,
    networks: async () => namesIn(join(state, 'networks')),
    async plant(remoteId) {
      mkdirSync(join(state, 'networks'), { recursive: true });
      writeFileSync(join(state, 'networks', `${remoteId}.json`), '{"alias":"the DMZ"}');
    },
    kept: async () => namesIn(join(state, 'guests')),
    guest: async (instanceUuid) => seedOf(join(state, 'machines'), instanceUuid),
    async outage(on) {
      script = on ? { fail_actions: '*', fail_kind: 'unreachable' } : {};
    },
  };
}

function namesIn(folder: string): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -5));
}

function seedOf(folder: string, instanceUuid: string): Given | undefined {
  const seeds = namesIn(folder)
    .map((name) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Json)
    .filter(({ description }) => String(description).includes(instanceUuid))
    .map(({ seed }) => seed as (Given & { readonly userData?: string }) | undefined);
  const [seed] = seeds;
  if (seed === undefined) return undefined;
  return { ...seed, userData: Buffer.from(seed.userData ?? '', 'base64').toString('utf8') };
}
