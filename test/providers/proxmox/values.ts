import * as v from 'valibot';
import type { Nic, SizedInstance } from '../../../src/contract/instance.ts';
import { type Settings, settings } from '../../../src/providers/proxmox/settings.ts';

/** Settings through their own schemas, as they come from details. */
export function read(given: Record<string, string> = {}): Settings {
  const needed = { url: 'pve1', user: 'cs@pve', token: 'cs', secret: 's', node: 'pve1' };
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(settings)) {
    const raw = { ...needed, ...given }[key] ?? ('default' in field ? field.default : undefined);
    if (raw !== undefined) values[key] = v.parse(field.schema() as v.GenericSchema<string>, raw);
  }
  return values as unknown as Settings;
}

export function nic(more: Partial<Nic> = {}): Nic {
  return {
    deviceId: 0,
    uuid: '0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001',
    mac: '02:01:00:cd:00:01',
    isDefault: true,
    segment: { kind: 'vlan', id: 1577 },
    network: { id: '204', uuid: 'c0a8e1de-1111-4f0b-9a40-000000000101', name: 'D1-S204' },
    ...more,
  };
}

export function instance(more: Partial<SizedInstance> = {}): SizedInstance {
  return {
    uuid: '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10',
    name: 'i-2-42-VM',
    id: 42,
    deploying: true,
    stored: {},
    cpus: 2,
    memoryBytes: 2 ** 31,
    nics: [nic()],
    ...more,
  };
}
