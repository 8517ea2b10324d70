import type { Undo } from '../../../contract/context.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { flagOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { claimBuilt } from './claim.ts';
import { cloudInitFor } from './cloud-init.ts';
import { growDisk } from './grow-disk.ts';
import { type Change, differing, formOf, hardwareChange, isEmpty } from './hardware.ts';
import { isRunning, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import { describe, logRefusedTags, tagsFor } from './ownership.ts';
import { readConfig } from './read.ts';
import type { Session } from './session.ts';
import { cutPower, switchOn } from './switch.ts';
import { isTagRefusal, writeConfig } from './write-config.ts';

export interface Finishing {
  readonly instance: SizedInstance;
  readonly blueprint: Blueprint;
  readonly machine: Machine;
  /** Called when it was our start that brought the machine up. */
  readonly started?: () => void;
}

/**
 * Makes a machine of what was copied: root disk, hardware, options, power, and only when it runs the
 * mark that says it is built. Until then whoever comes next may remove it, afterwards nobody takes that
 * back, not even who has written it and never heard: another call may have reported the machine. Done
 * twice, or by two at once, it comes to the same.
 */
export async function finish(session: Session, finishing: Finishing, undo: Undo): Promise<void> {
  const { blueprint, machine, started } = finishing;
  await growDisk(session, machine, blueprint.disk_size_gb, { undo });
  const form = formOf(newChange(session, finishing));
  await writeConfig(session, machine, form, `set machine ${machine.vmid} up`);
  if (await switchOn(session, machine, { halfMade: true })) started?.();
  await writeBuilt(session, machine);
}

/**
 * A half-made machine that runs already and is as it should be stays on; with other hardware it is
 * switched off, since nobody uses it yet.
 */
export async function offUnlessFit(session: Session, finishing: Finishing): Promise<Machine> {
  const { machine } = finishing;
  if (!isRunning(await readLive(session, machine))) return machine;
  const current = { ...machine, config: await readConfig(session, machine, { current: true }) };
  if (isEmpty(newChange(session, { ...finishing, machine: current }))) return current;
  await cutPower(session, machine);
  return machine;
}

/** Where tags are not ours to write, they are left out. */
async function writeBuilt(session: Session, machine: Machine): Promise<void> {
  const built = { ...machine.mark, state: 'built' } as const;
  const description = describe(session, built);
  try {
    await claimBuilt(session, machine, { tags: tagsFor(session, built), description });
  } catch (thrown) {
    if (!isTagRefusal(thrown)) throw thrown;
    logRefusedTags(session, machine, thrown);
    await claimBuilt(session, machine, { description });
  }
}

/** What a template brings along and the operator did not ask for is taken away. */
function newChange({ settings }: Session, { instance, machine }: Finishing): Change {
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
