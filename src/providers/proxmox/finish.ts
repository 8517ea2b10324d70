import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import type { SizedInstance } from '../../provider.ts';
import type { Blueprint } from './blueprint.ts';
import { cloudInitFor } from './cloud-init.ts';
import { type Disk, rootDisk } from './disks.ts';
import { type Change, differing, formOf, hardwareChange } from './hardware.ts';
import type { Machine } from './machine.ts';
import { describe, tagsFor, writeConfig, writeTags } from './ownership.ts';
import { switchOn } from './power.ts';
import type { Rig } from './rig.ts';
import { run } from './tasks.ts';
import { saidBy, statusOf } from './trouble.ts';
import { flagOf } from './wire.ts';

export interface Finishing {
  readonly instance: SizedInstance;
  readonly blueprint: Blueprint;
  readonly machine: Machine;
}

/**
 * Makes a machine of what was copied: root disk, hardware, options, and the mark that says it is
 * built; then it is started. Done twice, or by two at once, it comes to the same.
 */
export async function finish(rig: Rig, finishing: Finishing): Promise<void> {
  const { blueprint, machine } = finishing;
  await growDisk(rig, machine, blueprint.disk_size_gb);
  await writeBuilt(rig, finishing);
  await switchOn(rig, machine);
}

/** Grows a disk, the root disk unless said otherwise; a larger one stays as it is. */
export async function growDisk(
  rig: Rig,
  { vmid, node, config }: Machine,
  sizeGb: number | undefined,
  disk: Disk | undefined = rootDisk(config),
): Promise<void> {
  if (sizeGb === undefined || disk === undefined) return;
  if (sizeGb * 1024 ** 3 <= disk.sizeBytes) return;
  await run(rig, {
    method: 'PUT',
    path: path`/nodes/${node}/qemu/${vmid}/resize`,
    params: { disk: disk.key, size: `${sizeGb}G` },
    what: `grow disk ${disk.key} of machine ${vmid}`,
    doing: `growing the disk of machine ${vmid}`,
  });
}

/** One request for everything; where tags are not ours to write, they are left out. */
async function writeBuilt(rig: Rig, finishing: Finishing): Promise<void> {
  const { machine } = finishing;
  const { vmid } = machine;
  const built = { ...machine.mark, state: 'built' } as const;
  const change = builtChange(rig, finishing);
  const tags = tagsFor(rig, built);
  const form = { ...formOf(change), description: describe(rig, built) };
  const what = `set machine ${vmid} up`;
  try {
    await writeConfig(rig, machine, { ...form, tags }, what);
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (statusOf(failure) !== 403 || !/tag/.test(saidBy(failure))) throw failure;
    await writeConfig(rig, machine, form, what);
    await writeTags(rig, machine, tags);
  }
}

/** What a template brings along and the operator did not ask for is taken away. */
function builtChange({ settings }: Rig, { instance, machine }: Finishing): Change {
  const { config } = machine;
  const { cpu_type, onboot, guest_agent, machine: type } = settings;
  const hardware = hardwareChange(settings, instance, config);
  const wanted = differing(
    { onboot: '0', ...config },
    {
      onboot: onboot ? '1' : '0',
      ...(cpu_type === undefined ? {} : { cpu: cpu_type }),
      ...(type === undefined ? {} : { machine: type }),
      ...(guest_agent === undefined ? {} : { agent: guest_agent ? '1' : '0' }),
      ...cloudInitFor(settings, instance, config),
    },
  );
  const inherited = flagOf(config['protection']) ? ['protection'] : [];
  return {
    set: { ...hardware.set, ...wanted.set },
    remove: [...hardware.remove, ...inherited],
  };
}
