import type { Provider, Site } from '../../../contract/provider.ts';
import { Failure } from '../../../failure.ts';
import { snapshotActions } from '../../../lifecycle/snapshot-actions.ts';
import type { Description } from '../protocol/description.ts';
import type { Reach } from './client.ts';
import { describeDriver } from './description.ts';
import { executableOf } from './executable.ts';
import { actionsOf, blueprintOf, fieldIssues, fieldsOf } from './fields.ts';

/** The provider with the settings, blueprint and actions of the driver that the operator has chosen. */
export async function learn(base: Provider, site: Site): Promise<Provider> {
  const driver = site.detail('driver');
  // Without one, the settings say that it is missing.
  if (driver === undefined) return base;
  const { environment } = site.drivers;
  const reach = { driver, executable: () => executableOf(driver, site.drivers), environment };
  return providerOver(base, reach, await describeDriver(reach, site));
}

/** The provider over one driver, whichever way it is reached. */
export function providerOver(base: Provider, reach: Reach, said: Description): Provider {
  const issues = issuesOf(base, said);
  if (issues.length > 0) {
    throw new Failure(
      'config',
      `The driver ${reach.driver} describes itself wrongly: ${issues.join('; ')}`,
    );
  }
  const has = (capability: string): boolean =>
    (said.capabilities ?? []).some((each) => each === capability);
  const snapshots = has('snapshots') ? snapshotActions({ disks: 'disk', timeoutSeconds: 300 }) : {};
  const { learn: _learned, ...rest } = base;
  return {
    ...rest,
    title: said.name,
    about: said.about,
    settings: { ...settingsFor(base, has('snapshots')), ...fieldsOf(said.settings) },
    blueprint: blueprintOf(said.blueprint),
    actions: { ...snapshots, ...actionsOf(said.actions) },
    checks: async (settings, context, chosen) =>
      (await import('../doctor/checks.ts')).checks({ reach, said, settings, context }, chosen),
    connect: async (settings, context) =>
      (await import('../machine/driver.ts')).connect({ reach, said, settings, context }),
  };
}

/** A setting that means nothing for this driver would mislead its operator. */
function settingsFor({ settings }: Provider, hasSnapshots: boolean): Provider['settings'] {
  const { max_snapshots: _most, snapshot_memory: _memory, ...rest } = settings;
  return hasSnapshots ? settings : rest;
}

const taken: readonly string[] = [
  'ListSnapshots',
  'CreateSnapshot',
  'RestoreSnapshot',
  'DeleteSnapshot',
  'ShowErrors',
];

function issuesOf(base: Provider, said: Description): readonly string[] {
  const { settings = {}, blueprint = {}, actions = {} } = said;
  const core = [
    ...Object.keys(base.settings),
    'provider',
    'installation',
    'admin_actions_without_caller',
  ];
  const double = Object.keys(settings).filter((key) => core.includes(key));
  const both = Object.keys(blueprint).filter(
    (key) => Object.hasOwn(settings, key) || core.includes(key),
  );
  const unlimited = Object.entries(blueprint).filter(
    ([, { within }]) => within !== undefined && !Object.hasOwn(settings, within),
  );
  return [
    ...double.map((key) => `"settings.${key}" is a setting that every driver has already`),
    ...both.map((key) => `"blueprint.${key}" is a setting too`),
    ...unlimited.map(
      ([key, { within }]) => `"blueprint.${key}" is within "${within}", which is no setting`,
    ),
    ...Object.keys(actions)
      .filter((name) => taken.includes(name))
      .map((name) => `"actions.${name}" is an action that Outrigger offers itself`),
    ...fieldIssues('settings', settings),
    ...fieldIssues('blueprint', blueprint),
    ...Object.entries(actions).flatMap(([name, { parameters = {} }]) =>
      fieldIssues(`actions.${name}.parameters`, parameters),
    ),
  ];
}
