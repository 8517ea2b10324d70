import type { Level } from '../../cloudstack/details.ts';
import { asText, asTexts } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import { type Actual, findCluster, isCalled, registrationsOf } from './actual.ts';
import { externalDetailsOf } from './hosts.ts';
import type { Wanted } from './wanted.ts';

/** A host with the details that its calls get, now and afterwards. */
export interface MergedHost {
  readonly name: string;
  /** `undefined` for a host that is to be made. */
  readonly before: readonly Level[] | undefined;
  readonly after: readonly Level[];
}

/** The three places of details, from weak to strong. */
export function levelsOf(
  extension: Texts,
  registration: Texts = {},
  host: Texts = {},
): readonly Level[] {
  return [
    { name: 'extension', details: extension },
    { name: 'cluster registration', details: registration },
    { name: 'host', details: host },
  ];
}

/** Every host of the extension: those that CloudStack has, as far as it shows their details, and new ones. */
export function mergedHosts(wanted: Wanted, actual: Actual): readonly MergedHost[] {
  const before = asTexts(actual.extension?.['details']);
  const kept = (details: Texts | undefined): Texts => (wanted.prune ? {} : (details ?? {}));
  const after = { ...kept(before), ...wanted.details };
  const registrations = new Map(
    registrationsOf(actual.extension).map(({ id, details }) => [asText(id), asTexts(details)]),
  );
  const wishes = wanted.clusters.map((cluster) => ({
    ...{ cluster, id: asText(findCluster(actual, cluster.name)?.['id']) },
  }));
  const existing = actual.hosts.flatMap((host): MergedHost[] => {
    const clusterId = asText(host['clusterid']);
    const registered = registrations.get(clusterId);
    const own = externalDetailsOf(host);
    const wish = wishes.find(({ id }) => id === clusterId)?.cluster;
    if (own === undefined || (registered === undefined && wish === undefined)) return [];
    const more = wish?.hosts.find(({ name }) => isCalled(host, name))?.details;
    return [
      {
        name: asText(host['name']),
        before: levelsOf(before, registered, own),
        after: levelsOf(
          after,
          wish === undefined ? registered : { ...kept(registered), ...wish.details },
          more === undefined ? own : { ...kept(own), ...more },
        ),
      },
    ];
  });
  const made = wishes.flatMap(({ cluster, id }) => {
    const there = (name: string) =>
      actual.hosts.some((host) => host['clusterid'] === id && isCalled(host, name));
    const details = { ...kept(registrations.get(id)), ...cluster.details };
    return cluster.hosts
      .filter(({ name }) => !there(name))
      .map(({ name, details: own }) => ({
        ...{ name, before: undefined, after: levelsOf(after, details, own) },
      }));
  });
  return [...existing, ...made];
}
