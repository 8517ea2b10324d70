import type { Context, Deadline } from '../../../contract/context.ts';
import type { Driver } from '../../../contract/driver.ts';
import { Failure } from '../../../failure.ts';
import { fillConsoleUrl, policyOf } from '../../../lifecycle/shared-settings.ts';
import type { actions } from '../actions/definitions.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { find } from './find.ts';
import { type HostMachine, isReplica, listForReport, readListing, toMachine } from './list.ts';
import { openSession, type Session, withDeadline } from './session.ts';
import { stateOf } from './state.ts';

/** The primitives of a Hyper-V host for one call, which all use one PowerShell there. */
export function connect(
  settings: Settings,
  context: Context,
): Driver<HostMachine, Blueprint, typeof actions> {
  const { session, close } = openSession(settings, context);
  const at = (deadline: Deadline): Session => withDeadline(session, deadline);
  const change = () => import('./change.ts');
  return {
    policy: policyOf(settings),
    tellsGuests: true,
    storedId: ({ stored }) => stored['hyperv_id']?.toLowerCase(),
    storedPlace({ stored }) {
      const host = stored['hyperv_host'];
      return host === undefined ? undefined : `it was prepared on ${host}`;
    },
    find: ({ instance, deadline }, purpose) => find(at(deadline), instance, purpose),
    async list(detail, deadline) {
      if (detail === 'report') return listForReport(at(deadline));
      if (detail === 'inventory') {
        return (await import('./inventory.ts')).listForAudit(at(deadline));
      }
      // With replicas: a machine must not be adopted for an instance whose replica is here.
      return (await readListing(at(deadline))).machines.map(toMachine);
    },
    async get(remoteId, deadline) {
      const { machines } = await readListing(at(deadline));
      const listed = machines.find(({ id }) => id === remoteId.toLowerCase());
      return listed === undefined ? undefined : toMachine(listed);
    },
    describe: async (machine) => (await import('./inventory.ts')).describe(machine),
    state: async ({ listed }) => stateOf(listed.state),
    hasHardware: async (machine, { instance, deadline }) =>
      (await change()).hasHardware(at(deadline), machine, instance),
    unadoptable({ listed }) {
      if (isReplica(listed)) return 'it is a replica';
      return listed.clustered ? 'it is a role of a failover cluster' : undefined;
    },
    exclusive: async ({ instance, deadline }, work) =>
      (await change()).exclusively(at(deadline), instance, work),
    prepare: async (plan, found) =>
      (await import('./make.ts')).prepare(at(plan.deadline), plan, found),
    make: async (making) => (await import('./make.ts')).make(at(making.deadline), making),
    powerOn: async (machine, plan) => (await change()).powerOn(at(plan.deadline), machine, plan),
    resume: async (machine, { deadline }) => (await change()).resume(at(deadline), machine),
    shutDown: async (machine, { deadline }, ms) =>
      (await change()).shutDown(at(deadline), machine, ms),
    cutPower: async (machine, { deadline }) => (await change()).cutPower(at(deadline), machine),
    restart: async (machine, { deadline }) => (await change()).restart(at(deadline), machine),
    destroy: async (machine, { deadline }) => (await change()).removeMachine(at(deadline), machine),
    writeMark: async (machine, mark, { instance, deadline }) =>
      (await change()).writeMark(at(deadline), machine, mark, instance),
    snapshots: async () => (await import('../actions/snapshots.ts')).snapshots(session),
    disks: async () => (await import('../actions/disks.ts')).disks(session),
    run: async () => (await import('../actions/handlers.ts')).handlers(session),
    async console({ instance }) {
      const { console_url: address } = settings;
      if (address === undefined) throw withoutConsole();
      return { kind: 'direct', url: fillConsoleUrl(address, instance) };
    },
    close,
  };
}

function withoutConsole(): Failure {
  return new Failure(
    'unsupported',
    'Hyper-V shows its consoles over RDP, which CloudStack cannot',
    {
      advice: 'Use vmconnect on the host, or set console_url to a gateway of your own',
      tenant: 'The console of this instance is not offered here',
    },
  );
}
