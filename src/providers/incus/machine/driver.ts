import type { Context } from '../../../contract/context.ts';
import type { Driver } from '../../../contract/driver.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { powerOf } from '../../../lifecycle/power.ts';
import { fillConsoleUrl, policyOf } from '../../../lifecycle/shared-settings.ts';
import type { actions } from '../actions/definitions.ts';
import { createClient, isGone } from '../api/client.ts';
import { type Device, type Machine, marking, stateOf } from '../api/wire.ts';
import type { Blueprint, Settings } from '../settings.ts';
import { find } from './find.ts';
import { hasHardware } from './hardware.ts';
import { listInstances, patchConfig, readInstance } from './instances.ts';
import type { Session } from './session.ts';

/** The primitives of Incus for one call. */
export function connect(
  settings: Settings,
  context: Context,
): Driver<Machine, Blueprint, typeof actions> {
  const client = createClient(settings, context);
  const session: Session = { client, settings, context };
  const power = () => import('./power.ts');
  return {
    policy: policyOf(settings),
    tellsGuests: true,
    close: client.close,
    find: (step, purpose) => find(session, step, purpose),
    list: (_detail, deadline) => listInstances(client, settings.project, deadline),
    get: async (name, deadline) => (await readInstance(client, name, deadline))?.machine,
    nodes: async (deadline) => (await import('./members.ts')).members(client, deadline),
    isAbsent: (thrown) => isGone(thrown),
    describe,
    leftovers: async (machines, deadline) =>
      (await import('./leftovers.ts')).leftovers(session, machines, deadline),
    state: async (machine) => stateOf(machine),
    hasHardware: async (machine, { instance }) => hasHardware(machine, instance, settings),
    guard: ({ incus: { expanded_config: all } }) =>
      all['security.protection.delete'] === 'true'
        ? 'is protected against removal (security.protection.delete)'
        : undefined,
    unadoptable: ({ incus: { ephemeral } }) =>
      ephemeral ? 'it is ephemeral: Incus removes it when it stops' : undefined,
    make: async (making) => (await import('./make.ts')).make(session, making),
    powerOn: async (machine, plan) => (await power()).powerOn(session, machine, plan),
    resume: async (machine, { deadline }) =>
      (await power()).change(
        session,
        machine,
        stateOf(machine) === 'paused' ? 'unfreeze' : 'start',
        deadline,
      ),
    shutDown: async (machine, { deadline }, ms) =>
      (await power()).shutDown(session, machine, deadline, ms),
    cutPower: async (machine, { deadline }) =>
      (await power()).change(session, machine, 'stop', deadline),
    restart: async (machine, { deadline }) => (await power()).restart(session, machine, deadline),
    claimRemoval: async (machine, { deadline }) =>
      (await import('./make.ts')).claimRemoval(session, machine, deadline),
    destroy: async (machine, { instance, deadline }) =>
      (await import('./remove.ts')).destroy(session, machine, instance.uuid, deadline),
    writeMark: (machine, mark, { deadline }) =>
      patchConfig(client, machine, marking(mark), deadline),
    disks: async () => (await import('../actions/disks.ts')).disks(session),
    snapshots: async () => (await import('../actions/snapshots.ts')).snapshots(session),
    run: async () => (await import('../actions/handlers.ts')).handlers(session),
    async console({ instance }, machine) {
      const { console_url: address } = settings;
      if (address === undefined) throw withoutConsole();
      await machine();
      return { kind: 'direct', url: fillConsoleUrl(address, instance) };
    },
  };
}

function describe(machine: Machine): RemoteMachine {
  const { remoteId, name = '', mark, incus } = machine;
  const { expanded_config: all, expanded_devices: devices, status, ephemeral } = incus;
  const [cpus, memory] = [all['limits.cpu'], all['limits.memory']];
  const from = all['volatile.evacuate.origin'];
  const remarks = [
    ...(status === 'Error' ? ['Incus cannot tell its state: its member may be offline'] : []),
    ...(from === undefined ? [] : [`it was evacuated from ${from}`]),
    ...(ephemeral ? ['it is ephemeral: Incus removes it when it stops'] : []),
    ...(machine.leaving === true ? ['its removal was begun'] : []),
  ];
  return {
    ...{ remoteId, name, mark, power: powerOf(stateOf(machine)), remarks },
    ...(cpus !== undefined && /^\d+$/.test(cpus) ? { cpus: Number(cpus) } : {}),
    ...(memory !== undefined && /^\d+$/.test(memory) ? { memoryBytes: Number(memory) } : {}),
    nics: Object.entries(devices).flatMap(([key, device]) =>
      nicOf(device, all[`volatile.${key}.hwaddr`]),
    ),
  };
}

function nicOf({ type, hwaddr, vlan }: Device, given: string | undefined) {
  const mac = hwaddr ?? given;
  if (type !== 'nic' || mac === undefined) return [];
  return [
    {
      mac,
      ...(vlan === undefined ? {} : { segment: { kind: 'vlan' as const, id: Number(vlan) } }),
    },
  ];
}

function withoutConsole(): Failure {
  return new Failure(
    'unsupported',
    'Incus has the text console of a container, and the text and SPICE consoles of a virtual machine, over websockets only, and the console proxy of CloudStack speaks VNC',
    {
      advice:
        'Use incus console NAME (--type=vga for the screen of a virtual machine), or set console_url to a gateway of your own',
      tenant: 'The console of this instance is not offered here',
    },
  );
}
