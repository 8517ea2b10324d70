import type { Context, Deadline } from '../../../contract/context.ts';
import type { Driver, StatePurpose } from '../../../contract/driver.ts';
import type { State } from '../../../contract/machine.ts';
import { expectFailure, isOutage } from '../../../failure.ts';
import { isOnTheWay } from '../../../kit/http/errors.ts';
import { policyOf } from '../../../lifecycle/shared-settings.ts';
import type { actions } from '../actions/definitions.ts';
import { isAbsentHere } from '../api/error-texts.ts';
import { flagOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import type { ClusterResources } from './capacity.ts';
import { findMachine } from './find.ts';
import type { Machine } from './machine.ts';
import { isRunning, type Live, nodeLimitMs, readLive, stateOf } from './read.ts';
import { openSession, type Session } from './session.ts';

// A status is asked thousands of times an hour: all other code is loaded when it is needed.
const inventory = () => import('./inventory.ts');
const making = () => import('./make.ts');
const powerOff = () => import('./power-off.ts');
const scanning = () => import('./scan.ts');
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
    takesLinksDown: true,
    tellsGuests: true,
    policy: { ...policyOf(settings), nodes: settings.nodes ?? [settings.node] },

    // ---- finding ----
    storedId: ({ stored }) => stored['proxmox_vmid'],
    isAbsent: (thrown, { vmid }) => isAbsentHere(thrown, vmid),
    async find({ instance, deadline }, purpose) {
      if (purpose !== 'create') return findMachine(at(deadline), instance, purpose);
      found = await resources(deadline);
      return findMachine(at(deadline), instance, purpose, { rows: found.machines });
    },
    list: async (detail, deadline) =>
      detail === 'inventory'
        ? (await inventory()).listInventory(at(deadline))
        : (await scanning()).scanOwned(at(deadline)),
    async nodes(deadline) {
      if (session.nodes.size === 0) await resources(deadline);
      return [...session.nodes];
    },
    get: async (remoteId, deadline) => (await scanning()).readMachine(at(deadline), remoteId),
    leftovers: async (machines, deadline) =>
      (await import('../guest/leftover-seeds.ts')).leftoverSeeds(at(deadline), machines),
    describe: async (machine, deadline) => (await inventory()).describe(at(deadline), machine),

    // ---- looking ----
    state: (machine, purpose, deadline) =>
      purpose === 'report'
        ? stateForReport(at(deadline), machine)
        : stateForChange(at(deadline), machine, purpose),
    states: async (machines, deadline) => (await inventory()).states(at(deadline), machines),
    hasHardware: async (machine, { instance, deadline }) =>
      (await starting()).hasHardware(at(deadline), machine, instance),
    guard: ({ config }) =>
      flagOf(config['protection']) ? 'is protected against removal' : undefined,
    unadoptable: ({ config }) =>
      /^(clone|create)$/.test(config['lock'] ?? '') ? 'it is being made' : undefined,

    // ---- changing ----
    prepare: async ({ instance, deadline }, there) =>
      (await import('./prepare.ts')).prepare(at(deadline), instance, there),
    make: async (plan) =>
      (await making()).make(at(plan.deadline), plan, found ?? (await resources(plan.deadline))),
    powerOn: async (machine, plan) => (await starting()).powerOn(at(plan.deadline), machine, plan),
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
    destroy: async (machine, { instance, deadline }) =>
      (await removing()).destroy(at(deadline), {
        ...machine,
        listed: machine.row.status,
        owner: instance.uuid,
      }),
    writeMark: async (machine, mark, { deadline }) =>
      (await import('./mark.ts')).writeMark(at(deadline), machine, mark),
    untilListed: async (machine, { instance, deadline }) =>
      (await scanning()).untilListed(at(deadline), machine, instance),

    // ---- more ----
    snapshots: async () => (await import('../actions/snapshots.ts')).snapshots(session),
    disks: async () =>
      (await import('../actions/disks.ts')).disks(
        session,
        async (deadline) => found ?? (await resources(deadline)),
      ),
    run: async () => (await import('../actions/handlers.ts')).handlers(session),
    console: async (step, machine) =>
      (await import('../actions/console.ts')).openConsole(at(step.deadline), step, machine),
  };
}

/** As its node says now, kept for the rest of the action. */
async function stateForChange(
  session: Session,
  machine: Machine,
  purpose: StatePurpose,
): Promise<State> {
  if (machine.left !== undefined) return machine.left;
  const live = await readForChange(session, machine, purpose);
  session.lives.set(machine.vmid, live);
  const state = stateOf(live);
  // A locked machine without power is off: Proxmox VE itself says by which lock it cannot start.
  return state === 'unknown' && live.status === 'stopped' ? 'off' : state;
}

/** A stop first breaks off a reboot, which may switch the machine off and on again in between. */
async function readForChange(
  session: Session,
  machine: Machine,
  purpose: StatePurpose,
): Promise<Live> {
  if (purpose !== 'stop') return readLive(session, machine);
  const { beginStop } = await powerOff();
  return (await beginStop(session, machine)).live;
}

/** As its node says within its time; `unknown` when the machine or its node does not answer. */
async function stateForReport(session: Session, { row }: Machine): Promise<State> {
  const { log } = session.context;
  try {
    const live = await readLive(session, row, nodeLimitMs);
    const state = stateOf(live);
    if (state === 'on' && isRunning(live) && live.qmp !== 'running') {
      log('power.odd', { machine: row.vmid, qmp: live.qmp, level: 'warn' });
    }
    return state;
  } catch (thrown) {
    // The cluster has just answered: it is this machine or its node that does not.
    const passing = isAbsentHere(thrown, row.vmid) || isOnTheWay(thrown);
    if (!passing || isOutage(thrown)) throw thrown;
    const { message: error } = expectFailure(thrown);
    log('power.unknown', { machine: row.vmid, error, level: 'warn' });
    return 'unknown';
  }
}
