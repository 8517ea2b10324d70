import type { Undo } from '../../../contract/context.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { type Config, flagOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { cloudInitFor } from './cloud-init.ts';
import { type Change, differing, formOf, hardwareChange, joined, writeConfig } from './config.ts';
import { growDisk } from './disks.ts';
import type { Machine } from './machine.ts';
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
  const change = newChange(session.settings, instance, machine.config);
  await writeConfig(session, machine, formOf(change), `set machine ${machine.vmid} up`);
  const kept = Object.entries(machine.config).filter(([option]) => !change.remove.includes(option));
  return { ...machine, config: { ...Object.fromEntries(kept), ...change.set } };
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
