import type { Registry } from '../contract/provider.ts';

/** Every provider by its name, one line each. */
export const registry: Registry = {
  hyperv: async () => (await import('./hyperv/index.ts')).hyperv,
  incus: async () => (await import('./incus/index.ts')).incus,
  maas: async () => (await import('./maas/index.ts')).maas,
  proxmox: async () => (await import('./proxmox/index.ts')).proxmox,
  simulator: async () => (await import('./simulator/index.ts')).simulator,
};
