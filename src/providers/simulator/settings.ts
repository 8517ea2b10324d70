import type { Fields, Values } from '../../contract/field.ts';
import { list, oneOf, wholeNumber, yesNo } from '../../kit/fields.ts';
import { dataDiskIssues, dataDisks } from '../../lifecycle/data-disks.ts';
import {
  adoptUnmarked,
  allowedStorages,
  allowedTemplates,
  consoleButton,
  consoleUrl,
  deleteAdopted,
  deleteDetachedDisks,
  diskSizeGb,
  graceSeconds,
  maxDiskGb,
  maxDisks,
  maxSnapshots,
  node,
  nodes,
  otherNodes,
  snapshotMemory,
  storage,
  templateId,
} from '../../lifecycle/shared-settings.ts';

/** How the simulated system is set up, what it allows, and what shall go wrong. */
export const settings = {
  node: { ...node, default: 'sim1', example: 'sim1' },
  nodes,
  other_nodes: otherNodes,
  capacity_cpus: {
    about: 'How many CPUs the node has for running instances; unset: no limit',
    schema: wholeNumber({ min: 1, max: 100_000 }),
    example: '16',
  },
  capacity_memory_gb: {
    about: 'How much memory the node has for running instances; unset: no limit',
    schema: wholeNumber({ min: 1, max: 1_000_000 }),
    unit: 'GiB',
    example: '64',
  },
  allowed_templates: allowedTemplates,
  allowed_storages: allowedStorages,
  max_disk_gb: maxDiskGb,
  max_disks: maxDisks,
  delete_detached_disks: deleteDetachedDisks,
  max_snapshots: maxSnapshots,
  snapshot_memory: snapshotMemory,
  grace_seconds: graceSeconds,
  adopt_unmarked: adoptUnmarked,
  delete_adopted: deleteAdopted,
  console_url: consoleUrl,
  console_button: consoleButton,
  assign_macs: {
    about: 'Whether prepare hands out a MAC address for every NIC',
    schema: yesNo,
    default: 'false',
  },
  delay_ms: {
    about: 'Test instrument: how long every action waits before it does anything',
    schema: wholeNumber({ min: 0, max: 10_000 }),
    default: '0',
    unit: 'ms',
  },
  slow_task_ms: {
    about: 'Test instrument: how long each change to a machine takes',
    schema: wholeNumber({ min: 0, max: 60_000 }),
    default: '0',
    unit: 'ms',
  },
  fail_actions: {
    about: 'Test instrument: the actions that fail, * for all of them',
    schema: list({
      most: 40,
      pattern: /^(\*|[A-Za-z0-9_-]{1,64})$/,
      wants: 'names of actions, or *',
    }),
    example: 'create,status',
  },
  fail_kind: {
    about:
      'Test instrument: how they fail; blind shows them no machines, as a system does that lacks a right',
    schema: oneOf('unreachable', 'denied', 'timeout', 'upstream', 'blind'),
    default: 'upstream',
  },
  fail_at: {
    about:
      'Test instrument: whether they fail before anything is done or in the middle of the task',
    schema: oneOf('start', 'task'),
    default: 'start',
  },
  ignore_shutdown: {
    about: 'Test instrument: whether guests ignore the wish to shut down',
    schema: yesNo,
    default: 'false',
  },
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** The details that an instance may choose. */
export const blueprint = {
  template_id: {
    ...templateId,
    about: 'The template that the instance is made from; blank needs none',
    default: 'blank',
  },
  storage: { ...storage, default: 'local' },
  disk_size_gb: diskSizeGb,
  data_disks: dataDisks,
} as const satisfies Fields;

export type Blueprint = Values<typeof blueprint>;

export const blueprintIssues = dataDiskIssues;

/** The details that prepare returns. */
export const stored = {
  simulator_id: 'The id that the machine was made under; a hint, never proof',
} as const;

/** The problems that no setting shows alone, such as two settings that contradict each other. */
export function settingsIssues({ node, nodes, other_nodes }: Settings): readonly string[] {
  const own = nodes ?? [node];
  const twice = own.filter((name) => other_nodes?.includes(name));
  return [
    ...(own.includes(node) ? [] : [`"nodes" has to name this host's own "node" (${node}) too`]),
    ...(twice.length === 0 ? [] : [`"nodes" and "other_nodes" both name ${twice.join(', ')}`]),
  ];
}
