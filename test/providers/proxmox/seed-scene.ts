import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster, Options } from '../../../fakes/pve/index.ts';
import { defaultStorages } from '../../../fakes/pve/options.ts';
import type { Volume } from '../../../fakes/pve/state.ts';
import { rights, user } from './backend.ts';

/** A cluster with a small storage for seeds, and the rights on it that the provider's page gives. */
export function seedOptions(more: { readonly shared?: boolean } = {}): Options {
  return {
    storages: [
      ...defaultStorages,
      { id: 'seeds', content: ['iso'], totalBytes: 2 ** 26, otherBytes: 0, ...more },
    ],
    roles: {
      CloudStack: rights['9.1'],
      CloudStackSeeds: ['Datastore.Allocate', 'Datastore.AllocateTemplate', 'Datastore.Audit'],
    },
    acl: [
      { path: '/', role: 'CloudStack', who: user },
      { path: '/storage/seeds', role: 'CloudStackSeeds', who: user },
    ],
  };
}

export function seedsOf(cluster: Cluster): readonly Volume[] {
  return [...cluster.state.volumes].filter(({ storage }) => storage === 'seeds');
}

/** The drive with a seed in the machine's configuration, or `undefined`. */
export function seedDrive(cluster: Cluster, vmid = 10042): string | undefined {
  return [...cluster.vm(vmid).config.values()].find((value) => value.startsWith('seeds:iso/'));
}

/** The files of the seed in the machine's drive, read by isoinfo. */
export function readSeed(cluster: Cluster, name: string, vmid = 10042): Buffer {
  const volume = seedDrive(cluster, vmid)?.replace(/^seeds:|,.*$/g, '');
  const seed = seedsOf(cluster).find((each) => each.name === volume);
  assert.ok(seed, `no seed ${volume}`);
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-seed-'));
  try {
    const file = join(folder, 'seed.iso');
    writeFileSync(file, Buffer.from(seed.data ?? '', 'latin1'));
    const done = spawnSync('isoinfo', ['-R', '-x', `/${name}`, '-i', file], { maxBuffer: 2 ** 24 });
    assert.equal(done.status, 0, String(done.stderr));
    return done.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function metaOf(cluster: Cluster): Record<string, unknown> {
  return JSON.parse(readSeed(cluster, 'meta-data').toString()) as Record<string, unknown>;
}
