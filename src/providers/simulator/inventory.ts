import type { RemoteMachine } from '../../contract/driver.ts';
import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { lookAround, markFor, type Seen } from './find.ts';
import { powerOf, withMark } from './machine.ts';
import { alone } from './power.ts';
import type { Rig } from './script.ts';

/** Every machine for `audit` and `adopt`, whoever made it. */
export async function machines(rig: Rig): Promise<readonly RemoteMachine[]> {
  return lookAround(rig).map(describe);
}

function describe({ remoteId, machine, mark }: Seen): RemoteMachine {
  if (machine === undefined) {
    const remarks = ['its file cannot be read'];
    return { remoteId, name: '', power: 'unknown', mark: 'unreadable', remarks };
  }
  const { name, template, cpus, memoryBytes, nics } = machine;
  return {
    ...{ remoteId, name, mark, template, cpus, memoryBytes },
    power: powerOf(machine),
    nics: nics.map(({ mac, segment }) => ({ mac, segment })),
    ...(machine.protected ? { remarks: ['it is protected against removal'] } : {}),
  };
}

/** Marks a machine that nobody has marked; the last look is taken under both locks. */
export function adoptMachine(rig: Rig, remoteId: string, instance: Instance): Promise<void> {
  return alone(rig, instance, () =>
    rig.store.locked(`adopt-${remoteId}`, `machine ${remoteId} to be marked`, async () => {
      const seen = lookAround(rig);
      const own = seen.find(({ mark }) => typeof mark === 'object' && mark.uuid === instance.uuid);
      if (own !== undefined) throw refused(remoteId, instance, `it has ${own.remoteId} already`);
      const found = seen.find((each) => each.remoteId === remoteId);
      if (found === undefined) throw refused(remoteId, instance, 'there is no such machine');
      if (found.machine === undefined || found.mark !== undefined) {
        throw refused(remoteId, instance, 'the machine carries a mark already');
      }
      if (found.template === true) throw refused(remoteId, instance, 'it is a template');
      const mark = markFor(rig, instance, remoteId, { state: 'built', origin: 'adopted' });
      rig.store.write(withMark(found.machine, mark));
      rig.context.log('machine.adopted', { machine: remoteId });
    }),
  );
}

function refused(remoteId: string, { name }: Instance, why: string): Failure {
  return new Failure('conflict', `Refused to mark ${remoteId} for ${name}: ${why}`, {
    advice: 'Look at both with `outrigger audit`',
  });
}
