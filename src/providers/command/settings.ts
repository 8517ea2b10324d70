import type { Fields, Values } from '../../contract/field.ts';
import { text } from '../../kit/fields.ts';
import {
  consoleButton,
  consoleUrl,
  deleteAdopted,
  graceSeconds,
  maxSnapshots,
  nodes,
  otherNodes,
  snapshotMemory,
} from '../../lifecycle/shared-settings.ts';
import { driverName } from './api/executable.ts';

/** The settings that are the same for every driver; `describe` names the driver's own. */
export const settings = {
  driver: {
    about: 'The name of the driver: a file in /etc/outrigger/drivers on every management server',
    schema: text({ most: 64, pattern: driverName, wants: 'the bare name of a file' }),
    required: true,
    example: 'lxc',
  },
  nodes: { ...nodes, about: 'The nodes whose instances this host reports; unset: all' },
  other_nodes: otherNodes,
  grace_seconds: graceSeconds,
  delete_adopted: deleteAdopted,
  max_snapshots: maxSnapshots,
  snapshot_memory: snapshotMemory,
  console_url: consoleUrl,
  console_button: consoleButton,
} as const satisfies Fields;

export type Settings = Values<typeof settings>;
