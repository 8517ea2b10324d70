import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { blueprint, blueprintIssues, settings, settingsIssues } from './settings.ts';

/** Containers and virtual machines of Incus and LXD, over their REST API. */
export const incus = defineProvider({
  name: 'incus',
  title: 'Incus',
  about: 'System containers and virtual machines on Incus or LXD',
  settings,
  blueprint,
  stored: {},
  actions,
  prepares: false,
  settingsIssues,
  blueprintIssues,
  checks: async (given, context, chosen) =>
    (await import('./doctor/checks.ts')).checks(given, context, chosen),
  connect: async (given, context) => (await import('./machine/driver.ts')).connect(given, context),
});
