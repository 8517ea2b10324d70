import type { Instance } from '../../contract/instance.ts';

/** The VM details that carry facts from prepare to later calls; hints, never proof. */
export const stored = {
  'External:maas_system_id': 'The machine that prepare claimed, or that was asked for',
  'External:maas_chosen':
    'The machine that prepare chose by itself, so that another may be taken if it fails',
  'External:hostname': "The machine's name in MAAS",
  'External:mac_address': 'The MAC address of the interface for the first NIC',
  'External:console_url': "The console's address, where console_button wants it",
} as const;

/** The machine that an instance's details point at; a tenant can write this. */
export function storedIdOf({ stored: hints }: Pick<Instance, 'stored'>): string | undefined {
  const id = hints['External:maas_system_id' satisfies keyof typeof stored];
  return id !== undefined && /^[A-Za-z0-9-]{1,41}$/.test(id) ? id : undefined;
}
