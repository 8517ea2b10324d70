import * as v from 'valibot';
import type { Fields, Values } from '../../contract/field.ts';
import { list, text, wholeNumber } from '../../kit/fields.ts';
import {
  adoptUnmarked,
  allowedIsos,
  allowedStorages,
  allowedTemplates,
  consoleButton,
  consoleUrl,
  deleteAdopted,
  deleteDetachedDisks,
  graceSeconds,
  maxDiskGb,
  maxDisks,
  maxSnapshots,
  maxUserData,
  node,
  nodes,
  otherNodes,
  snapshotMemory,
} from '../../lifecycle/shared-settings.ts';
import { connectionIssues, connectionSettings } from './settings-connection.ts';
import { machineSettings, networkSettings, storageName } from './settings-machine.ts';

const hostName = '[A-Za-z0-9.:_\\[\\]-]{1,253}';

/** How the cluster is reached, what instances may choose and how their machines are made. */
export const settings = {
  ...connectionSettings,
  node: { ...node, required: true, example: 'pve1' },
  nodes: { ...nodes, example: 'pve1,pve2' },
  other_nodes: { ...otherNodes, example: 'pve3,pve4' },
  pool: {
    about: 'The pool that machines are made in; recommended, with the rights given on it alone',
    schema: text({
      most: 100,
      pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/,
      wants: 'the name of a pool',
    }),
    example: 'cloudstack',
  },
  vmid_range: {
    about: 'The ids that machines are made under',
    schema: () =>
      v.pipe(
        text({ pattern: /^\d{3,9} *- *\d{3,9}$/, wants: 'two numbers with a dash between them' })(),
        v.transform((line) => {
          const [low = 0, high = 0] = line.split('-').map(Number);
          return { low, high };
        }),
        v.check(({ low, high }) => low >= 100 && high >= low + 9, 'must span ten ids from 100 on'),
      ),
    default: '10000-999999',
    example: '20000-29999',
  },
  tags: {
    about: 'Tags for every machine, beside the one that serves as index',
    schema: list({ most: 20, pattern: /^[A-Za-z0-9_][A-Za-z0-9_+.-]{0,62}$/, wants: 'tags' }),
    example: 'cloudstack',
  },
  ...networkSettings,
  ...machineSettings,
  allowed_templates: allowedTemplates,
  allowed_isos: allowedIsos,
  allowed_storages: allowedStorages,
  max_disk_gb: maxDiskGb,
  max_disks: maxDisks,
  delete_detached_disks: deleteDetachedDisks,
  max_snapshots: maxSnapshots,
  max_user_data: maxUserData,
  snapshot_memory: snapshotMemory,
  min_free_memory_gb: {
    about: 'How much memory of the node must stay free when an instance is made',
    schema: wholeNumber({ min: 0, max: 100_000 }),
    default: '1',
    unit: 'GiB',
  },
  min_free_storage_percent: {
    about: 'How much of a storage must be free for an instance to be made or saved on it',
    schema: wholeNumber({ min: 0, max: 90 }),
    default: '5',
    unit: '%',
  },
  grace_seconds: graceSeconds,
  adopt_unmarked: adoptUnmarked,
  delete_adopted: deleteAdopted,
  console_url: consoleUrl,
  console_button: consoleButton,
  console_address: {
    about:
      'Where the console proxy reaches the nodes: one address, or address by host or node (pve1=10.1.1.11,pve2=10.1.1.12); unset: the host in the url',
    schema: text({
      most: 2000,
      pattern: new RegExp(
        `^${hostName}$|^${hostName} *= *${hostName}( *, *${hostName} *= *${hostName})*$`,
      ),
      wants: 'an address, or host=address separated by commas',
    }),
    example: 'pve1=10.1.1.11,pve2=10.1.1.12',
  },
  backup_storage: {
    about: 'The storage that Backup writes to; unset: the first one of the node that takes backups',
    schema: text({ pattern: storageName, wants: 'the name of a storage' }),
    example: 'backup',
  },
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** The problems that no setting shows alone, such as two settings that contradict each other. */
export function settingsIssues(given: Settings): readonly string[] {
  const { node: own, nodes: spoken = [own], other_nodes: others } = given;
  const twice = spoken.filter((name) => others?.includes(name));
  return [
    ...(spoken.includes(own) ? [] : [`"nodes" has to name this host's own "node" (${own}) too`]),
    ...(twice.length === 0 ? [] : [`"nodes" and "other_nodes" both name ${twice.join(', ')}`]),
    ...connectionIssues(given),
  ];
}
