import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { readEndpoints } from './api/endpoint.ts';
import { blueprint, blueprintIssues, stored } from './blueprint.ts';
import { settings, settingsIssues } from './settings.ts';

/** Virtual machines on a Proxmox VE cluster. */
export const proxmox = defineProvider({
  name: 'proxmox',
  title: 'Proxmox VE',
  about: 'Virtual machines on a cluster of Proxmox VE 8 or 9',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues,
  stored,
  actions,
  prepares: true,
  endpoints: ({ url }) => readEndpoints(url) ?? [],
  checks: async (given, context, wanted) =>
    (await import('./doctor/checks.ts')).checks(given, context, wanted),
  connect: async (given, context) => (await import('./machine/driver.ts')).connect(given, context),
  network: async () => (await import('./network/index.ts')).network,
});
