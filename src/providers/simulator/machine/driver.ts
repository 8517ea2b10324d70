import type { Context } from '../../../contract/context.ts';
import type { Driver } from '../../../contract/driver.ts';
import type { RemoteMachine, State } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import { fillConsoleUrl, policyOf } from '../../../lifecycle/shared-settings.ts';
import type { actions } from '../actions/definitions.ts';
import { hardwareOf, hasHardware, type Machine, withMark } from '../api/machine.ts';
import type { Blueprint, Settings } from '../settings.ts';
import { allocating, checkCapacity } from './capacity.ts';
import { listMachines, refuseEmptyPlace, type Seen, seenFrom } from './list.ts';
import { openSession } from './session.ts';

/** The simulated system's primitives for one call. */
export async function connect(
  settings: Settings,
  context: Context,
): Promise<Driver<Seen, Blueprint, typeof actions>> {
  const session = await openSession(settings, context);
  const { store, task } = session;
  const set = ({ remoteId }: Seen, change: Partial<Machine>): Seen =>
    seenFrom({ remoteId, machine: store.update(remoteId, (now) => ({ ...now, ...change })) });
  return {
    policy: { ...policyOf(settings), nodes: settings.nodes ?? [settings.node] },
    takesLinksDown: true,
    tellsGuests: true,
    storedId: ({ stored }) => stored['simulator_id'],
    exclusive: ({ instance: { uuid, name } }, work) =>
      store.locked(uuid, `another action on ${name}`, work),
    async list(detail) {
      if (detail === 'report') refuseEmptyPlace(store);
      return listMachines(store);
    },
    describe,
    state: async ({ file }) => (file === undefined ? 'unknown' : states[file.power]),
    hasHardware: async ({ file }, { instance }) =>
      file !== undefined && hasHardware(file, hardwareOf(instance)),
    guard: ({ file }) => (file?.protected === true ? 'is protected against removal' : undefined),
    prepare: async (...given) => (await import('./make.ts')).prepare(session, ...given),
    make: async (making) => (await import('./make.ts')).make(session, making),
    powerOn: (seen, { instance, deadline }) =>
      withUndo({ ...context, deadline }, async (undo) => {
        const { power = 'off', boots = 0 } = seen.file ?? {};
        const { checkNetworks, seedOf } = await import('./wire.ts');
        const on = await allocating(session, () => {
          checkNetworks(session, instance);
          if (seen.node === settings.node) checkCapacity(session, instance, seen.remoteId);
          const hardware = { ...hardwareOf(instance), ...seedOf(instance) };
          return set(seen, { ...hardware, power: 'on', boots: boots + 1 });
        });
        undo.add(`switch machine ${seen.remoteId} off again`, async () => {
          set(seen, { power, boots });
        });
        await task(`starting machine ${seen.remoteId}`, deadline);
        return on;
      }),
    async resume(seen, { deadline }) {
      await task(`resuming machine ${seen.remoteId}`, deadline);
      return set(seen, { power: 'on' });
    },
    async shutDown(seen, { deadline }, ms) {
      const doing = `waiting for the guest of ${seen.remoteId} to shut down`;
      if (settings.ignore_shutdown) {
        await deadline.sleep(ms, doing);
        return false;
      }
      await task(doing, deadline);
      set(seen, { power: 'off' });
      return true;
    },
    async cutPower(seen, { deadline }) {
      await task(`stopping machine ${seen.remoteId}`, deadline);
      return set(seen, { power: 'off' });
    },
    async restart(seen, { deadline }) {
      await task(`rebooting machine ${seen.remoteId}`, deadline);
      set(seen, { power: 'on', boots: (seen.file?.boots ?? 0) + 1 });
    },
    async destroy({ remoteId, mark }, { deadline }) {
      const unfinished = typeof mark === 'object' && mark.state === 'building';
      if (!unfinished) await task(`removing machine ${remoteId}`, deadline);
      store.remove(remoteId);
    },
    writeMark: (seen, mark) =>
      store.locked(`mark-${seen.remoteId}`, `machine ${seen.remoteId} to be marked`, async () => {
        const now = listMachines(store).find(({ remoteId }) => remoteId === seen.remoteId);
        if (now?.file === undefined || !isSame(now, seen)) return 'lost';
        return set(seen, { description: withMark(now.file, mark).description });
      }),
    guests: async () => (await import('../network/guests.ts')).guestStore(session),
    snapshots: async () => (await import('../actions/snapshots.ts')).snapshots(session),
    disks: async () => (await import('../actions/disks.ts')).disks(session),
    run: async () => (await import('../actions/handlers.ts')).handlers(session),
    async console({ instance }, machine) {
      const { console_url: address } = settings;
      if (address === undefined) throw withoutConsole();
      await machine();
      return { kind: 'direct', url: fillConsoleUrl(address, instance) };
    },
  };
}

const states: Readonly<Record<Machine['power'], State>> = {
  on: 'on',
  off: 'off',
  paused: 'paused',
  suspended: 'paused',
  saved: 'saved',
};

function isSame(one: Seen, other: Seen): boolean {
  return JSON.stringify(one.mark) === JSON.stringify(other.mark);
}

function describe({ remoteId, file, mark }: Seen): RemoteMachine {
  if (file === undefined) {
    const remarks = ['its file cannot be read'];
    return { remoteId, name: '', power: 'unknown', mark: 'unreadable', remarks };
  }
  const { name, template, cpus, memoryBytes, nics, power } = file;
  const unfinished = typeof mark === 'object' && mark.state === 'building';
  const up = power !== 'off' && power !== 'saved';
  return {
    ...{ remoteId, name, mark, template, cpus, memoryBytes },
    power: unfinished || power === 'saved' ? 'unknown' : up ? 'on' : 'off',
    nics: nics.map(({ mac, segment }) => ({ mac, segment })),
    ...(file.protected ? { remarks: ['it is protected against removal'] } : {}),
  };
}

function withoutConsole(): Failure {
  return new Failure('unsupported', 'This simulator has no console', {
    advice: 'Set console_url',
    tenant: 'This instance has no console',
  });
}
