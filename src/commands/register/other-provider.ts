import { Failure } from '../../failure.ts';
import { asText, asTexts } from '../api/client.ts';
import { type Actual, registrationsOf } from './actual.ts';
import { externalDetailsOf } from './hosts.ts';
import type { Surroundings } from './readable.ts';
import type { Wanted } from './wanted.ts';

/** The machines of an extension's hosts are on a system that another provider does not speak with. */
export function refuseOtherProvider(
  { name, provider }: Wanted,
  { extension, hosts }: Actual,
  { providers }: Surroundings,
): void {
  const script = /([^/]+?)(\.sh|\.py)?$/.exec(asText(extension?.['path']))?.[1] ?? '';
  const byFile = providers.includes(script) ? script : undefined;
  const served = asTexts(extension?.['details'])['provider'] ?? byFile;
  if (served === undefined || served === provider.name) return;
  const others = registrationsOf(extension).flatMap(({ id, details }) => {
    // A host or a cluster with a provider of its own is not touched by that of the extension.
    if (asTexts(details)['provider'] !== undefined) return [];
    const inCluster = hosts.filter(({ clusterid }) => clusterid === id);
    return inCluster.filter((host) => externalDetailsOf(host)?.['provider'] === undefined);
  });
  if (others.length === 0) return;
  const names = others.map((host) => asText(host['name'])).join(', ');
  throw new Failure(
    'conflict',
    `The extension ${name} serves the hosts ${names} as ${served}, and their machines would be lost to ${provider.name}`,
    { advice: `Give --provider ${served}, or register another extension for ${provider.name}` },
  );
}
