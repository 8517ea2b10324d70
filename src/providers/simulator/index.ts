import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { blueprint, blueprintIssues, settings, settingsIssues, stored } from './settings.ts';

/** Machines that are files: nothing outside is needed, and everything can be made to go wrong. */
export const simulator = defineProvider({
  name: 'simulator',
  title: 'Simulator',
  about: 'Machines that exist only as files, for trying things out and for tests',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues,
  stored,
  actions,
  prepares: true,
  checks: async (given, context) => (await import('./doctor/checks.ts')).checks(given, context),
  network: async () => (await import('./network/index.ts')).network,
  connect: async (given, context) => (await import('./machine/driver.ts')).connect(given, context),
});
