import { defineProvider } from '../../../src/contract/provider.ts';
import { blueprint, settings } from './settings.ts';

/** Machines of Acme, over its REST API. */
export const acme = defineProvider({
  name: 'acme',
  title: 'Acme',
  about: 'Virtual machines on Acme',
  settings,
  blueprint,
  stored: {},
  actions: {},
  prepares: false,
  checks: async (given, context) => (await import('./doctor/checks.ts')).checks(given, context),
  connect: async (given, context) => (await import('./machine/driver.ts')).connect(given, context),
});
