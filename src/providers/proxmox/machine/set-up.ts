import type { Undo } from '../../../contract/context.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { type Config, flagOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { cloudInitFor } from './cloud-init.ts';
import {
  type Change,
  differing,
  formOf,
  hardwareChange,
  joined,
  withChange,
  writeConfig,
} from './config.ts';
import { growDisk } from './disks.ts';
import type { Machine } from './machine.ts';
import { seedChange } from './seed-change.ts';
import type { Session } from './session.ts';

export interface SettingUp {
  readonly instance: SizedInstance;
  readonly blueprint: Blueprint;
  readonly machine: Machine;
}

/** Makes the instance's machine of a copy: root disk, hardware and options. */
export async function setUp(
  session: Session,
  { instance, blueprint, machine }: SettingUp,
  undo: Undo,
): Promise<Machine> {
  await growDisk(session, machine, blueprint.disk_size_gb, { undo });
  const seed = await seedChange(session, { instance, blueprint, machine }, true);
  // Beside a seed, Proxmox VE's own drive for cloud-init is not asked for.
  const seeded = withChange(machine.config, seed);
  const change = joined(newChange(session.settings, instance, seeded), seed);
  await writeConfig(session, machine, formOf(change), `set machine ${machine.vmid} up`);
  return { ...machine, config: withChange(machine.config, change) };
}

/** The change that a fresh copy needs; options that only the template asked for are taken away. */
export function newChange(settings: Settings, instance: SizedInstance, config: Config): Change {
  const { cpu_type, onboot, guest_agent, machine: type } = settings;
  const hardware = hardwareChange(settings, instance, config);
  const wanted = differing(
    { onboot: '0', ...config },
    {
      onboot: onboot ? '1' : '0',
      ...(cpu_type === undefined ? {} : { cpu: cpu_type }),
      ...(type === undefined ? {} : { machine: type }),
      ...(guest_agent === undefined ? {} : { agent: guest_agent ? '1' : '0' }),
    },
  );
  const inherited = flagOf(config['protection']) ? ['protection'] : [];
  const guarded = { set: {}, remove: inherited };
  return joined(hardware, wanted, guarded, cloudInitFor(settings, instance, config));
}
