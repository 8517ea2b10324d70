import type { Context, Deadline } from '../../../contract/context.ts';
import type { Driver } from '../../../contract/driver.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import { powerOf } from '../../../lifecycle/power.ts';
import { policyOf } from '../../../lifecycle/shared-settings.ts';
import type { actions } from '../actions/definitions.ts';
import { createClient } from '../api/client.ts';
import { hasCode } from '../api/errors.ts';
import type { Blueprint, Settings } from '../settings.ts';
import {
  claimRemoval,
  findMachine,
  listMachines,
  type Machine,
  stateOf,
  troubleOf,
  writeMachineMark,
} from './machines.ts';
import type { Session } from './session.ts';

/** The primitives of libvirt for one call. */
export function connect(
  settings: Settings,
  context: Context,
): Driver<Machine, Blueprint, typeof actions> {
  const client = createClient(settings, context);
  const session: Session = { client, settings, context };
  const power = () => import('./power.ts');
  return {
    policy: policyOf(settings),
    takesLinksDown: true,
    tellsGuests: true,
    close: client.close,
    list: (_detail, deadline) => listMachines(client, deadline),
    get: (uuid, deadline) => findMachine(client, uuid, deadline),
    isAbsent: (thrown) => hasCode(thrown, 'noDomain'),
    leftovers: async (machines, deadline) =>
      (await import('./leftovers.ts')).leftovers(session, machines, deadline),
    describe: (machine, deadline) => describe(session, machine, deadline),
    async state(machine) {
      const trouble = troubleOf(machine);
      const { remoteId } = machine;
      if (trouble !== undefined)
        context.log('machine.halted', { level: 'warn', remoteId, trouble });
      return stateOf(machine);
    },
    async hasHardware(machine, { instance, deadline }) {
      const { fits, readDescription } = await import('./hardware.ts');
      return fits(await readDescription(session, machine, 'now', deadline), instance, settings);
    },
    make: async (making) => (await import('./make.ts')).make(session, making),
    powerOn: async (machine, plan) => (await power()).powerOn(session, machine, plan),
    resume: async (machine, { deadline }) => (await power()).resume(session, machine, deadline),
    shutDown: async (machine, { deadline }, ms) =>
      (await power()).shutDown(session, machine, deadline, ms),
    cutPower: async (machine, { deadline }) => (await power()).cutPower(session, machine, deadline),
    restart: async (machine, { deadline }) => (await power()).restart(session, machine, deadline),
    claimRemoval: (machine, { deadline }) => claimRemoval(client, machine, deadline),
    destroy: async (machine, { deadline }) =>
      (await import('./remove.ts')).removeMachine(session, machine, deadline),
    writeMark: (machine, mark, { deadline }) => writeMachineMark(client, machine, mark, deadline),
    snapshots: async () => (await import('../actions/snapshots.ts')).snapshots(session),
    disks: async () => (await import('../actions/disks.ts')).disks(session),
    run: async () => (await import('../actions/handlers.ts')).handlers(session),
    console: async (step, machine) =>
      (await import('./console.ts')).openConsole(session, step, machine),
  };
}

async function describe(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<RemoteMachine> {
  const { cpusIn, memoryIn, readDescription } = await import('./hardware.ts');
  const { interfacesOf, macOf, tagOf } = await import('./nics.ts');
  const { remoteId, name = '', mark, leaving } = machine;
  const description = await readDescription(session, machine, 'now', deadline);
  const trouble = troubleOf(machine);
  const remarks = [
    ...(trouble === undefined ? [] : [trouble]),
    ...(leaving === true ? ['its removal was begun'] : []),
  ];
  return {
    ...{ remoteId, name, mark, power: powerOf(stateOf(machine)), remarks },
    ...{ cpus: cpusIn(description), memoryBytes: memoryIn(description) },
    nics: interfacesOf(description).map((nic) => {
      const id = tagOf(nic);
      return {
        mac: macOf(nic),
        ...(id === undefined ? {} : { segment: { kind: 'vlan' as const, id } }),
      };
    }),
  };
}
