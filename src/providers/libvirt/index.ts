import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { endpointOf } from './api/address.ts';
import { blueprint, blueprintIssues, settings, settingsIssues } from './settings.ts';

/** Virtual machines of QEMU and KVM on a host that runs libvirt, over its own protocol. */
export const libvirt = defineProvider({
  name: 'libvirt',
  title: 'libvirt',
  about: 'Virtual machines on QEMU/KVM hosts with libvirt',
  settings,
  blueprint,
  stored: {},
  actions,
  prepares: false,
  // Every host is alone: the same UUID on two of them is two machines.
  system: ({ url }) => endpointOf(url).url.toLowerCase(),
  settingsIssues,
  blueprintIssues,
  checks: async (given, context, chosen) =>
    (await import('./doctor/checks.ts')).checks(given, context, chosen),
  connect: async (given, context) => (await import('./machine/driver.ts')).connect(given, context),
});
