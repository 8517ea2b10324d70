import { asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import { type Actual, resourcesOf } from './actual.ts';
import { externalDetailsOf } from './hosts.ts';
import type { Wanted } from './wanted.ts';

/**
 * The values that the settings of all hosts list, for a parameter that takes one of them; `undefined`
 * where some host may take others: it has a pattern or none of the settings, or it cannot be seen.
 */
export function listedValues(
  settings: readonly string[],
  wanted: Wanted,
  actual: Actual,
): readonly string[] | undefined {
  const hosts = detailsOfHosts(wanted, actual);
  const values = hosts.map((details) => valuesIn(settings, details));
  const all = [...new Set(values.flat())].sort();
  const isListed = (some: readonly string[]): boolean =>
    some.length > 0 && some.every((value) => !value.includes('*'));
  return hosts.length > 0 && values.every(isListed) ? all : undefined;
}

function valuesIn(settings: readonly string[], details: Texts): readonly string[] {
  return settings
    .flatMap((key) => (details[key] ?? '').split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** The details of each host with those of its cluster's registration and of the extension. */
function detailsOfHosts(wanted: Wanted, actual: Actual): readonly Texts[] {
  const shared = { ...asTexts(actual.extension?.['details']), ...wanted.details };
  const resources = resourcesOf(actual.extension);
  const isOurs = ({ clusterid }: Entry): boolean => resources.some(({ id }) => id === clusterid);
  const names = wanted.clusters.flatMap(({ hosts }) => hosts.map(({ name }) => name));
  const others = actual.hosts
    .filter((host) => isOurs(host) && !names.includes(String(host['name'])))
    .map((host) => {
      const cluster = resources.find(({ id }) => id === host['clusterid']);
      return { ...shared, ...asTexts(cluster?.['details']), ...externalDetailsOf(host) };
    });
  const own = wanted.clusters.flatMap(({ details, hosts }) =>
    hosts.map((host) => ({ ...shared, ...details, ...host.details })),
  );
  return [...own, ...others];
}
