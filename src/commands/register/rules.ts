import type { Plan } from './plan.ts';

/** The calls by which `register` reads, for each kind of extension; docs/registering.md has them as well. */
export const reads = {
  cluster: [
    ...['listCapabilities', 'listExtensions', 'listZones', 'listPods', 'listOsTypes'],
    ...['listClusters', 'listHosts', 'listTemplates', 'listImageStores', 'listCustomActions'],
  ],
  network: ['listCapabilities', 'listExtensions', 'listPhysicalNetworks', 'listNetworkOfferings'],
} as const;

/**
 * How to make a key pair that may make these changes and nothing else. Rules are read by their order, and
 * a call that none of them allows is refused, also for a root administrator.
 */
export function keyRules({ changes }: Plan, kind: keyof typeof reads): string[] {
  const calls = [...new Set([...reads[kind], ...changes.map(({ command }) => command)])];
  const rules = calls.map((call, at) => `rules[${at}].rule=${call} rules[${at}].permission=allow`);
  return [
    '# From CloudStack 4.23 on, a key pair with these rules may do all of it and nothing else (USER is the id of the user):',
    `# cmk register userkeys id=USER name=outrigger ${rules.join(' ')}`,
  ];
}
