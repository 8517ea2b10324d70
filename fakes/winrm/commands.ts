import * as allMachines from '../../src/providers/hyperv/api/commands/all-machines.ts';
import * as changing from '../../src/providers/hyperv/api/commands/changing.ts';
import * as disks from '../../src/providers/hyperv/api/commands/disks.ts';
import * as inspecting from '../../src/providers/hyperv/api/commands/inspecting.ts';
import * as making from '../../src/providers/hyperv/api/commands/making.ts';
import * as reading from '../../src/providers/hyperv/api/commands/reading.ts';
import * as removing from '../../src/providers/hyperv/api/commands/removing.ts';
import * as seeding from '../../src/providers/hyperv/api/commands/seeding.ts';

/** Every command that the provider may give a host. */
export const commands = {
  ...allMachines,
  ...changing,
  ...disks,
  ...inspecting,
  ...making,
  ...reading,
  ...removing,
  ...seeding,
} as const;
