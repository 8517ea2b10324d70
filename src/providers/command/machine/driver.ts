import type { Context } from '../../../contract/context.ts';
import type { Driver } from '../../../contract/driver.ts';
import type { Segment } from '../../../contract/instance.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import { powerOf } from '../../../lifecycle/power.ts';
import { policyOf } from '../../../lifecycle/shared-settings.ts';
import { createClient, type Reach } from '../api/client.ts';
import { isSaid } from '../api/failures.ts';
import type { Capability, Description } from '../protocol/description.ts';
import { find } from './find.ts';
import { getMachine, listMachines } from './read.ts';
import { openSeenNote } from './seen-note.ts';
import type { Seen, Session } from './session.ts';

/** Everything that is known when a call begins. */
export interface Opening {
  readonly reach: Reach;
  readonly said: Description;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly context: Context;
}

/** The primitives of a driver in any language, for one call. */
export function connect(opening: Opening): Driver<Seen> {
  const session = sessionOf(opening);
  const power = () => import('./power.ts');
  return {
    policy: policyOf(session.settings),
    find: (step, purpose) => find(session, step, purpose),
    list: (detail, deadline) => listMachines(session, detail, deadline),
    get: (id, deadline) => getMachine(session, id, deadline),
    isAbsent: (thrown) => isSaid(thrown, 'missing'),
    describe,
    state: async (machine, purpose, deadline) =>
      purpose === 'report' && !session.has('state')
        ? machine.said.state
        : (await power()).stateOf(session, machine, purpose, deadline),
    hasHardware: async (machine, { instance, deadline }) =>
      (await import('./hardware.ts')).hasHardware(session, machine, instance, deadline),
    guard: ({ said: { guard } }) => guard,
    unadoptable: () =>
      session.marks === 'name' ? 'its name would have to be the mark' : undefined,
    exclusive: async (step, work) =>
      (await import('./exclusive.ts')).exclusive(session, step, work),
    make: async (making) => (await import('./make.ts')).make(session, making),
    powerOn: async (machine, plan) => (await power()).powerOn(session, machine, plan),
    resume: async (machine, step) => (await power()).resume(session, machine, step),
    shutDown: async (machine, step, ms) => (await power()).shutDown(session, machine, step, ms),
    cutPower: async (machine, step) =>
      (await power()).change(session, machine, 'cut-power', 'off', step),
    restart: async (machine, step) => (await power()).restart(session, machine, step),
    destroy: async (machine, step) => (await import('./remove.ts')).destroy(session, machine, step),
    writeMark: async (machine, mark, step) =>
      (await import('./mark.ts')).writeMark(session, machine, mark, step),
    console: async (step, machine) =>
      (await import('../actions/console.ts')).openConsole(session, step, machine),
    ...(session.has('snapshots')
      ? { snapshots: async () => (await import('../actions/snapshots.ts')).snapshots(session) }
      : {}),
    run: async () => (await import('../actions/handlers.ts')).handlers(session, opening.said),
  };
}

export function sessionOf({ reach, said, settings, context }: Opening): Session {
  const { driver } = reach;
  const { marks, ids, hardware = 'reported', capabilities = [] } = said;
  const own = Object.keys(said.settings ?? {}).map((key) => [key, settings[key]]);
  const asked = Object.fromEntries(own);
  const { log, installation } = context;
  return {
    ...{ driver, context, settings, marks, ids, fixedHardware: hardware === 'fixed' },
    client: createClient(reach, { log, installation, settings: asked }),
    has: (capability: Capability) => capabilities.includes(capability),
    note: openSeenNote(driver, asked, context),
  };
}

function describe({ remoteId, name = '', mark, template, said }: Seen): RemoteMachine {
  const { cpus, memoryBytes, nics, remarks = [], guard } = said;
  return {
    ...{ remoteId, name, mark, power: powerOf(said.state) },
    ...(template === undefined ? {} : { template }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(nics === undefined ? {} : { nics: nics.map(({ mac, vlan }) => ({ mac, ...wire(vlan) })) }),
    remarks: [...remarks, ...(guard === undefined ? [] : [`it ${guard}`])],
  };
}

function wire(vlan: number | 'untagged' | undefined): { readonly segment?: Segment } {
  if (vlan === undefined) return {};
  return { segment: vlan === 'untagged' ? { kind: vlan } : { kind: 'vlan', id: vlan } };
}
