import { startProxmox } from '../../fakes/pve/index.ts';
import { optionOf, wordsOf } from './page.ts';
import type { StartSystem } from './system.ts';

const secret = '3d0f8a52-91c4-4e1b-a7b6-5c2e9d8f7a61';

/** A cluster whose users, roles, rights and pools are those that the page's `pveum` makes, and no others. */
export const proxmox: StartSystem = async (commands) => {
  const lines = commands.map(wordsOf).filter(([program]) => program === 'pveum');
  const made = (...head: readonly string[]) =>
    lines.filter((words) => head.every((word, at) => words[at + 1] === word));
  const tokens = made('user', 'token', 'add').map((words) => ({
    ...{ id: `${words[4]}!${words[5]}`, secret },
    privsep: optionOf(words, '--privsep') === '1',
  }));
  const cluster = await startProxmox({
    ...{ scale: 1, durations: { default: 20 }, guest: { bootMs: 0, shutdownMs: 5 } },
    users: Object.fromEntries(made('user', 'add').map((words) => [words[3], 'unused'])),
    roles: Object.fromEntries(
      made('role', 'add').map((words) => [words[3], optionOf(words, '--privs').split(' ')]),
    ),
    pools: made('pool', 'add').map((words) => words[3] ?? ''),
    acl: made('acl', 'modify').map((words) => ({
      path: words[3] ?? '',
      who: optionOf(words, '--users'),
      role: optionOf(words, '--roles'),
    })),
    tokens,
  });
  for (const words of made('pool', 'modify')) {
    cluster.plantVm({
      ...{ vmid: Number(optionOf(words, '--vms')), name: 'debian-12', template: true },
      ...{ pool: words[3] ?? '', storage: 'local-lvm' },
    });
  }
  return {
    values: {
      'https://pve1.example.org:8006': cluster.endpoints[0] ?? '',
      FINGERPRINT: cluster.fingerprints.join(','),
    },
    files: { 'pve-token': secret },
    running: () => [...cluster.state.vms.values()].filter((vm) => vm.power === 'running').length,
    close: cluster.close,
  };
};
