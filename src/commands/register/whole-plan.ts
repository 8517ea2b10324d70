import { defaultConfigFile, readConfig } from '../../cloudstack/config.ts';
import type { CommandWorld } from '../command.ts';
import { planActions } from './actions.ts';
import { type Actual, findCluster } from './actual.ts';
import { planClusters } from './clusters.ts';
import { secretKeys } from './details.ts';
import { planExtension } from './extension.ts';
import { checkDetails } from './fits.ts';
import { checkHidden } from './hidden.ts';
import { chooseInstallation, withIdentity } from './installation.ts';
import { checkLengths } from './lengths.ts';
import { joined, type Plan } from './plan.ts';
import { planOtherRegistrations } from './registrations.ts';
import { scopeRemarks } from './scope.ts';
import { planTemplates } from './templates.ts';
import type { Wanted } from './wanted.ts';

/** All changes, in the order in which the one needs the other; throws before anything is changed. */
export function planFor(given: Wanted, actual: Actual, world: CommandWorld): Plan {
  const { id, remark } = chooseInstallation(given, actual);
  const wanted = withIdentity(given, id);
  checkHidden(wanted, actual.release);
  const { secretsDirectory } = readConfig(world.env['OUTRIGGER_CONFIG'] ?? defaultConfigFile);
  const providers = Object.keys(world.registry);
  const plan = joined([
    { changes: [], remarks: [remark] },
    { changes: [], remarks: plainSecrets(wanted) },
    checkDetails(wanted, actual, { secretsDirectory, providers }),
    planExtension(wanted, actual),
    planActions(wanted, actual),
    ...planClusters(wanted, actual),
    planOtherRegistrations(wanted, actual),
    planTemplates(wanted, actual),
  ]);
  checkLengths(plan, actual.release, secretKeys(wanted.provider.settings));
  return joined([plan, { changes: [], remarks: scopeRemarks(plan) }]);
}

/** CloudStack writes details to its log with every call; only files on the servers stay out of there. */
function plainSecrets({ provider, details, clusters }: Wanted): string[] {
  const secrets = secretKeys(provider.settings);
  const places = [
    details,
    ...clusters.flatMap((each) => [each, ...each.hosts].map((one) => one.details)),
  ];
  const keys = new Set(
    places.flatMap((place) => Object.keys(place).filter((key) => secrets.has(key))),
  );
  return [...keys].map(
    (key) =>
      `The detail "${key}" holds a secret, which CloudStack writes to management-server.log with every call: ${key}_file=NAME with the file on every server keeps it out of there`,
  );
}

/** The ids of everything that is there. */
export function idsFor({ clusters }: Wanted, actual: Actual): ReadonlyMap<string, string> {
  const found = clusters.flatMap(({ name }) => {
    const id = findCluster(actual, name)?.['id'];
    return typeof id === 'string' ? [[`cluster:${name}`, id] as const] : [];
  });
  return new Map([...actual.ids, ...found]);
}
