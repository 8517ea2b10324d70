import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { blueprint, blueprintIssues } from './blueprint.ts';
import { settings, settingsIssues, stored } from './settings.ts';
import { addressOf } from './settings-address.ts';

/** Virtual machines on a Windows server with Hyper-V, over WinRM. */
export const hyperv = defineProvider({
  name: 'hyperv',
  title: 'Hyper-V',
  about: 'Virtual machines on a Windows server with the Hyper-V role, managed over WinRM',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues,
  stored,
  actions,
  prepares: false,
  endpoints: (given) => [addressOf(given).base],
  checks: async (...given) => (await import('./doctor/checks.ts')).checks(...given),
  connect: async (given, context) => (await import('./machine/driver.ts')).connect(given, context),
});
