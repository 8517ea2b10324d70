import * as v from 'valibot';
import { type Order, type Own, once, step, type WantedAdapter } from './command.ts';
import * as changing from './scripts/changing.ts';
import * as inspecting from './scripts/inspecting.ts';
import * as making from './scripts/making.ts';
import * as reading from './scripts/reading.ts';
import * as removing from './scripts/removing.ts';
import {
  inspectSchema,
  inventorySchema,
  machineSchema,
  machinesSchema,
  surveySchema,
  texts,
} from './wire.ts';

/*
 * The questions that can be put to a Hyper-V host: the script of each, what is given to it and what
 * its answer looks like. Decisions are made here, in TypeScript; the scripts only look and do.
 */

type Json = Readonly<Record<string, unknown>>;

const anything = (): v.GenericSchema<unknown, Json> => v.record(v.string(), v.unknown());

export const steps = {
  machines: step<Json>()(
    'machines',
    reading.machines,
    'listing the virtual machines',
    machinesSchema,
  ),
  machine: step<{ readonly id: string }>()(
    'machine',
    reading.machine,
    'reading the virtual machine',
    machineSchema,
  ),
  inventory: step<{ readonly folder: string }>()(
    'inventory',
    reading.inventory,
    'reading all virtual machines',
    inventorySchema,
  ),
  look: step<{ readonly id: string }>()('look', reading.look, 'looking at its state', () =>
    v.object({ state: v.string() }),
  ),
  survey: step<{ readonly folder: string; readonly template: string; readonly iso: string }>()(
    'survey',
    inspecting.survey,
    'looking for room, template and switches',
    surveySchema,
  ),
  users: step<{ readonly id: string; readonly paths: readonly string[] }>()(
    'users',
    inspecting.users,
    'looking for other users of its disks',
    () => v.object({ used: texts() }),
  ),
  make: once(
    step<{
      readonly name: string;
      readonly generation: number;
      readonly memory: number;
      readonly path: string;
      readonly notes: string;
      readonly blank: string;
    }>()('make', making.make, 'making the virtual machine', () =>
      v.object({ id: v.pipe(v.string(), v.uuid(), v.toLowerCase()) }),
    ),
  ),
  copy: once(
    step<{ readonly from: string; readonly to: string; readonly forMs: number }>()(
      'copy',
      making.copy,
      'copying the template',
      () => v.object({ done: v.boolean(), bytes: v.number(), total: v.number() }),
    ),
  ),
  disk: once(
    step<{ readonly path: string; readonly parent: string; readonly bytes: number }>()(
      'disk',
      making.disk,
      'making its disk',
      () => v.object({ size: v.number() }),
    ),
  ),
  grow: step<{ readonly path: string; readonly bytes: number }>()(
    'grow',
    making.grow,
    'making its disk larger',
    () => v.object({ before: v.number(), size: v.number() }),
  ),
  attach: once(
    step<Own & { readonly disk: string; readonly iso: string; readonly secure: string }>()(
      'attach',
      making.attach,
      'connecting its disk',
      anything,
    ),
  ),
  exchange: step<Own & { readonly from: string; readonly to: string }>()(
    'exchange',
    making.exchange,
    'exchanging its disk',
    () => v.object({ done: v.boolean() }),
  ),
  notes: step<Own & { readonly notes: string }>()(
    'notes',
    changing.notes,
    'writing its mark',
    anything,
  ),
  shape: step<
    Own & {
      readonly cpus: number;
      readonly memory: number;
      readonly minimum: number;
      readonly startAction: string;
      readonly stopAction: string;
      readonly checkpointType: string;
    }
  >()('shape', changing.shape, 'setting its size', anything),
  wire: once(
    step<
      Own & { readonly remove: readonly string[]; readonly adapters: readonly WantedAdapter[] }
    >()('wire', changing.wire, 'setting its network adapters', anything),
  ),
  power: step<Own & { readonly order: Order }>()(
    'power',
    changing.power,
    'changing its power',
    () => v.object({ asked: v.boolean() }),
  ),
  media: step<Own & { readonly iso: string }>()(
    'media',
    changing.media,
    'changing the ISO image in its drive',
    anything,
  ),
  checkpoint: step<
    Own & {
      readonly order: 'create' | 'restore' | 'remove';
      readonly snapshot: string;
      readonly name: string;
      readonly type: string;
    }
  >()('checkpoint', changing.checkpoint, 'working on its checkpoints', anything),
  remove: step<Own>()('remove', removing.remove, 'removing the virtual machine', anything),
  erase: step<{ readonly files: readonly string[]; readonly folder: string }>()(
    'erase',
    removing.erase,
    'deleting its files',
    anything,
  ),
  lock: step<{ readonly uuid: string; readonly forMs: number }>()(
    'lock',
    changing.lock,
    'waiting for another action on the instance',
    () => v.object({ got: v.boolean() }),
  ),
  inspect: step<{ readonly paths: readonly string[] }>()(
    'inspect',
    inspecting.inspect,
    'inspecting the host',
    inspectSchema,
  ),
} as const;
