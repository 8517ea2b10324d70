import type { Context, Deadline } from '../../../contract/context.ts';
import type { Driver } from '../../../contract/driver.ts';
import { policyOf } from '../../../lifecycle/shared-settings.ts';
import type { actions } from '../actions/definitions.ts';
import { isAbsentHere } from '../api/errors.ts';
import { flagOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import type { ClusterResources } from './capacity.ts';
import { findMachine } from './find.ts';
import type { Machine } from './machine.ts';
import { openSession } from './session.ts';
import { stateForChange, stateForReport } from './state.ts';

// A status is asked thousands of times an hour: all other code is loaded when it is needed.
const adopting = () => import('./adopt.ts');
const inventory = () => import('./inventory.ts');
const making = () => import('./make.ts');
const powerOff = () => import('./power-off.ts');
const removing = () => import('./remove.ts');
const starting = () => import('./start.ts');

/** The primitives of a Proxmox VE cluster for one call. */
export function connect(
  settings: Settings,
  context: Context,
): Driver<Machine, Blueprint, typeof actions> {
  const session = openSession(settings, context);
  const { at } = session;
  const resources = async (deadline: Deadline): Promise<ClusterResources> =>
    (await import('./capacity.ts')).readClusterResources(at(deadline));
  /** As `find` has read them for a create. */
  let found: ClusterResources | undefined;
  return {
    policy: { ...policyOf(settings), nodes: settings.nodes ?? [settings.node] },

    // ---- finding ----
    storedId: ({ stored }) => stored['proxmox_vmid'],
    isAbsent: (thrown, { vmid }) => isAbsentHere(thrown, vmid),
    async find({ instance, deadline }, purpose) {
      if (purpose !== 'create') return findMachine(at(deadline), instance, purpose);
      found = await resources(deadline);
      return findMachine(at(deadline), instance, purpose, found.machines);
    },
    list: async (detail, deadline) =>
      detail === 'inventory'
        ? (await inventory()).listInventory(at(deadline))
        : (await import('./scan.ts')).scanOwned(at(deadline)),
    get: async (remoteId, deadline) => (await adopting()).readMachine(at(deadline), remoteId),
    describe: async (machine, deadline) => (await inventory()).describe(at(deadline), machine),

    // ---- looking ----
    state: (machine, purpose, deadline) =>
      (purpose === 'change' ? stateForChange : stateForReport)(at(deadline), machine),
    states: async (machines, deadline) => (await inventory()).states(at(deadline), machines),
    hasHardware: async (machine, { instance, deadline }) =>
      (await starting()).hasHardware(at(deadline), machine, instance),
    guard: ({ config }) =>
      flagOf(config['protection']) ? 'is protected against removal' : undefined,
    unadoptable: ({ config }) =>
      /^(clone|create)$/.test(config['lock'] ?? '') ? 'it is being made' : undefined,

    // ---- changing ----
    prepare: async ({ instance, deadline }, there) =>
      (await making()).prepare(at(deadline), instance, there),
    make: async (plan) =>
      (await making()).make(at(plan.deadline), plan, found ?? (await resources(plan.deadline))),
    powerOn: async (machine, { instance, deadline }) =>
      (await starting()).powerOn(at(deadline), machine, instance),
    resume: async (machine, { deadline }) => (await starting()).resume(at(deadline), machine),
    shutDown: async (machine, { deadline }, ms) =>
      (await powerOff()).shutDown(at(deadline), machine, ms),
    async cutPower(machine, { deadline }) {
      await (await powerOff()).switchOff(at(deadline), machine);
      return { ...machine, left: 'off' };
    },
    async ensureStaysOff(machine, { deadline }) {
      await (await powerOff()).ensureStaysOff(at(deadline), machine);
    },
    restart: async (machine, { deadline }) =>
      (await import('./restart.ts')).restart(at(deadline), machine),
    claimRemoval: async (machine, { deadline }) =>
      (await removing()).claimRemoval(at(deadline), machine, machine.config),
    destroy: async (machine, { deadline }) =>
      (await removing()).destroy(at(deadline), { ...machine, listed: machine.row.status }),
    writeMark: async (machine, mark, { deadline }) =>
      (await import('./mark.ts')).writeMark(at(deadline), machine, mark),
    untilListed: async (machine, { instance, deadline }) =>
      (await adopting()).untilListed(at(deadline), machine, instance),

    // ---- more ----
    snapshots: async () => (await import('../actions/snapshots.ts')).snapshots(session),
    run: async () => (await import('../actions/handlers.ts')).handlers(session),
    console: async (step, machine) =>
      (await import('../actions/console.ts')).openConsole(at(step.deadline), step, machine),
  };
}
