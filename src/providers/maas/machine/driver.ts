import type { Context, Deadline, Step } from '../../../contract/context.ts';
import type { Driver, StatePurpose } from '../../../contract/driver.ts';
import type { State } from '../../../contract/machine.ts';
import { statusOf } from '../../../failure.ts';
import { policyOf } from '../../../lifecycle/shared-settings.ts';
import type { actions } from '../actions/definitions.ts';
import { createClient } from '../api/client.ts';
import { status } from '../api/statuses.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { askBmc, powerOf } from './bmc.ts';
import { careFor, find } from './find.ts';
import { powerNow, powersNow } from './live-power.ts';
import { type Seen, seen } from './match.ts';
import { readOne, type Session } from './session.ts';
import { unadoptable } from './unadoptable.ts';
import { accountOf } from './visibility.ts';

/** The primitives of MAAS for one call. */
export function connect(
  settings: Settings,
  context: Context,
): Driver<Seen, Blueprint, typeof actions> {
  const { log, installation, stateDirectory } = context;
  const client = createClient(settings, context);
  const known = {};
  const at = (deadline: Deadline): Session => ({
    ...{ settings, client, log, installation, deadline, known, stateDirectory },
  });
  /** Machines that have just been installed: no BMC has to say that they are on. */
  const installed = new WeakSet<Seen>();
  const stateNow = async (
    session: Session,
    one: Seen,
    purpose: Exclude<StatePurpose, 'report'>,
  ): Promise<State> => {
    if (installed.has(one)) return 'on';
    const { status: now, system_id } = one.machine;
    // Without a finished system power says nothing: `powerOn` waits for one or says that there is none.
    if (purpose === 'start' && now !== status.deployed) return 'off';
    if (now === status.deploying) return 'on';
    return powerOf(await askBmc(session, system_id));
  };
  const powerOn = async ({ machine }: Seen, { instance, deadline }: Step): Promise<Seen> => {
    const power = await import('./power.ts');
    return seen(await power.powerOn(at(deadline), instance, machine));
  };

  return {
    policy: policyOf(settings),
    tellsGuests: true,
    find: ({ instance, deadline }, purpose) => find(at(deadline), instance, careFor[purpose]),
    list: async (detail, deadline) => (await import('./list.ts')).list(at(deadline), detail),
    async get(remoteId, deadline) {
      try {
        const machine = await readOne(at(deadline), remoteId);
        const account = await accountOf(at(deadline));
        return seen(machine, { account, isClaimed: () => true });
      } catch (thrown) {
        if (statusOf(thrown) === 404) return undefined;
        throw thrown;
      }
    },
    describe: async (one) => (await import('./describe.ts')).describe(one),
    async state(one, purpose, deadline) {
      if (purpose !== 'report') return stateNow(at(deadline), one, purpose);
      return powerNow(at(deadline), one.machine);
    },
    states: (all, deadline) =>
      powersNow(
        at(deadline),
        all.map(({ machine }) => machine),
      ),
    // Iron is what it is: no start can give it other CPUs, memory or NICs.
    hasHardware: async () => true,
    guard: ({ machine: { locked } }) =>
      locked ? 'is locked in MAAS, where custom action Unlock takes the lock off' : undefined,
    unadoptable,
    refuseAdoption: async (one, { instance, deadline }) =>
      (await import('./mark.ts')).refuseSecond(at(deadline), instance, one),
    prepare: async (plan, found) =>
      (await import('./prepare.ts')).prepare(at(plan.deadline), plan, found),
    async make(making) {
      const made = await (await import('./make.ts')).make(at(making.deadline), making);
      installed.add(made);
      return made;
    },
    powerOn,
    resume: powerOn,
    shutDown: async ({ machine }, { instance, deadline }, ms) =>
      (await import('./power.ts')).shutDown(at(deadline), instance, machine, ms),
    cutPower: async ({ machine }, { instance, deadline }) =>
      seen(await (await import('./power.ts')).cutPower(at(deadline), instance, machine)),
    restart: async ({ machine }, { instance, deadline }) =>
      (await import('./power.ts')).restart(at(deadline), instance, machine),
    claimRemoval: async ({ machine }, { instance, deadline }) =>
      (await import('./release.ts')).claimRemoval(at(deadline), instance, machine),
    destroy: async (one, { instance, deadline }) =>
      (await import('./release.ts')).destroy(at(deadline), instance, one),
    writeMark: async (one, mark, { instance, deadline }) =>
      (await import('./mark.ts')).writeMark(at(deadline), instance, one, mark),
    run: async () => (await import('../actions/handlers.ts')).handlers(at),
    console: async ({ instance, deadline }, machine) =>
      (await import('./console.ts')).openConsole(at(deadline), instance, machine),
    close: client.close,
  };
}
