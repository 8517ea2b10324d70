import type { Registry } from '../contract/provider.ts';

/** Every provider by its name, one line each. */
export const registry: Registry = {
  command: async () => (await import('./command/index.ts')).command,
  hyperv: async () => (await import('./hyperv/index.ts')).hyperv,
  incus: async () => (await import('./incus/index.ts')).incus,
  libvirt: async () => (await import('./libvirt/index.ts')).libvirt,
  maas: async () => (await import('./maas/index.ts')).maas,
  proxmox: async () => (await import('./proxmox/index.ts')).proxmox,
  simulator: async () => (await import('./simulator/index.ts')).simulator,
};

/** The parts of the provider `command` for the commands of authors, loaded only for these. */
export const driverTools = () => import('./command/tools.ts');

export type DriverTools = Awaited<ReturnType<typeof driverTools>>;
