import type { Registry } from '../provider.ts';

/** Every provider by its name, one line each. */
export const registry: Registry = {
  simulator: async () => (await import('./simulator/index.ts')).simulator,
};
