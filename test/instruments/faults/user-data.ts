import type { Cluster } from '../../../fakes/pve/index.ts';
import type { Backend } from '../../conformance/backend.ts';
import { seedsOf } from '../../providers/proxmox/seed-scene.ts';
import type { Details } from '../../support/payloads.ts';

/** The same system for instances that bring user data, which reach the guest on an image of their own. */
export function withUserData(backend: Backend, settings: Details = {}): Backend {
  return {
    ...backend,
    chosen: { ...backend.chosen, user_data: '#cloud-config\nfinal_message: ready' },
    details() {
      const details = backend.details();
      return { ...details, host: { ...details.host, ...settings } };
    },
  };
}

/** The images that no machine has in a drive. */
export function looseSeeds(cluster: Cluster): readonly string[] {
  const drives = [...cluster.state.vms.values()].flatMap(({ config }) => [...config.values()]);
  return seedsOf(cluster)
    .map(({ name }) => name)
    .filter((name) => !drives.some((drive) => drive.startsWith(`seeds:${name}`)));
}

/** The machines whose drive names an image that is not there: they would not start. */
export function deadDrives(cluster: Cluster): readonly string[] {
  const there = seedsOf(cluster).map(({ name }) => `seeds:${name}`);
  return [...cluster.state.vms.values()].flatMap(({ vmid, power, config }) =>
    [...config.values()]
      .filter((value) => value.startsWith('seeds:') && power === 'running')
      .filter((value) => !there.includes(value.split(',')[0] ?? ''))
      .map((value) => `machine ${vmid} runs with ${value}, which is not there`),
  );
}
