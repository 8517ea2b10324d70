import { Failure } from '../../failure.ts';
import { refusal } from '../../kit/ownership.ts';
import type { Instance, Power, RemoteMachine } from '../../provider.ts';
import { markFor, markOf, writeMarkOn } from './annotations.ts';
import { claimOf, find, listOwned, machinesIn } from './find.ts';
import { isGivenBack, seen } from './own.ts';
import { inTurns, powerNow } from './power.ts';
import { nameOf, type Rig, readOne } from './rig.ts';
import { refuseBlindList, whoAmI } from './sight.ts';
import { status } from './statuses.ts';
import type { Machine } from './wire.ts';

/** Every machine that can belong to somebody; fails when it is not certain that these are all. */
export async function machines(rig: Rig): Promise<readonly RemoteMachine[]> {
  const me = await whoAmI(rig);
  const all = await listOwned(rig);
  refuseBlindList(
    rig,
    me,
    all.filter((machine) => markOf(machine) !== undefined),
  );
  const powers = await inTurns(all, (machine) => powerNow(rig, machine));
  return all.map((machine, at) => describe(machine, powers[at] ?? 'unknown'));
}

/** Marks a machine that somebody else deployed as the instance's. */
export async function adopt(rig: Rig, remoteId: string, instance: Instance): Promise<void> {
  await whoAmI(rig);
  const machine = await readOne(rig, remoteId);
  if (markOf(machine) !== undefined) throw refuse(machine, instance, 'it carries a mark already');
  if (machine.status !== status.deployed) {
    throw refuse(machine, instance, `it is "${machine.status_name}" and not deployed`);
  }
  await refuseSecond(rig, machine, instance);
  const mark = markFor(rig, instance, machine.system_id, 'built');
  await writeMarkOn(rig, machine, { ...mark, origin: 'adopted' });
  rig.context.log('machine.adopted', { machine: machine.system_id });
}

/** The instance must have no machine; that this one is in doubt is why it is being adopted. */
async function refuseSecond(rig: Rig, machine: Machine, instance: Instance): Promise<void> {
  const found = await find(rig, instance, { thorough: true });
  if (found.kind === 'doubtful') {
    const [one, second] = found.doubtful.machines;
    if (one?.remoteId === machine.system_id && second === undefined) return;
    throw refusal(found.doubtful, claimOf(rig, instance));
  }
  const [other] = found.kind === 'leaving' ? [] : machinesIn(found);
  if (other === undefined) return;
  throw refuse(machine, instance, `the instance has ${nameOf(other)}`);
}

function describe(machine: Machine, power: Power): RemoteMachine {
  const one = seen(machine);
  return {
    remoteId: machine.system_id,
    name: machine.hostname,
    power,
    mark: one.mark,
    cpus: machine.cpu_count,
    memoryBytes: machine.memory * 2 ** 20,
    nics: machine.interface_set.map(({ mac_address }) => ({ mac: mac_address.toLowerCase() })),
    remarks: [
      ...(machine.status === status.deployed ? [] : [machine.status_name]),
      ...(isGivenBack(one) ? ['was given back; its disks may still hold data'] : []),
      ...(machine.locked ? ['locked'] : []),
      ...(machine.error_description === '' ? [] : [machine.error_description]),
    ],
  };
}

function refuse(machine: Machine, { name }: Instance, why: string): Failure {
  return new Failure('conflict', `${nameOf(machine)} cannot be taken over for ${name}: ${why}`);
}
