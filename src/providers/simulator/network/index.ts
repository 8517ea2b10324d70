import { defineNetworkProvider } from '../../../contract/network.ts';
import { settings as all } from '../settings.ts';

const { delay_ms, slow_task_ms, fail_actions, fail_kind, fail_at } = all;

/** Networks and guests' data that are files, beside the simulated machines. */
export const network = defineNetworkProvider({
  settings: { delay_ms, slow_task_ms, fail_actions, fail_kind, fail_at },
  offers: { networks: true, guests: true },
  checks: async (given, context) => (await import('./checks.ts')).checks(given, context),
  connect: async (given, context) => (await import('./driver.ts')).connect(given, context),
});
