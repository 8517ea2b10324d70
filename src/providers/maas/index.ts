import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { apiUrl } from './api/endpoint.ts';
import { blueprint, blueprintIssues } from './blueprint.ts';
import { settings, settingsIssues } from './settings.ts';
import { stored } from './stored.ts';

/** Physical machines that Canonical MAAS installs, switches and erases. */
export const maas = defineProvider({
  name: 'maas',
  title: 'MAAS',
  about: 'Physical machines that Canonical MAAS installs and looks after',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues,
  stored,
  actions,
  prepares: true,
  endpoints: ({ endpoint }) => [apiUrl(endpoint) ?? endpoint],
  checks: async (...given) => (await import('./doctor/checks.ts')).checks(...given),
  connect: async (...given) => (await import('./machine/driver.ts')).connect(...given),
});
