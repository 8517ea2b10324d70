import type { Outcome } from '../contract/action.ts';
import type { Context } from '../contract/context.ts';
import type { Blueprint, Console, Preparation, StopManner } from '../contract/driver.ts';
import type { Instance, SizedInstance } from '../contract/instance.ts';
import type { Power, RemoteMachine } from '../contract/machine.ts';
import type { Provider } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import type { AnyRun } from './actions.ts';
import type { Life } from './find.ts';

/*
 * The verbs over a provider's driver. Each is loaded when it is asked for: CloudStack starts one
 * process for one verb, and pays for everything that is loaded besides.
 */

/**
 * One provider's part in an action. Every verb is idempotent, ends before the deadline with its undo,
 * and touches only machines whose mark names the instance.
 */
export interface Verbs {
  /** Chooses the facts for CloudStack to remember; may be skipped or repeated. */
  prepare(instance: SizedInstance, blueprint: Blueprint): Promise<Preparation>;
  /** Ends only when the machine runs; a failure takes back everything that it made. */
  create(instance: SizedInstance, blueprint: Blueprint): Promise<void>;
  /** Brings NICs, CPUs and memory to what the instance says, then switches on; built machines only. */
  start(instance: SizedInstance, blueprint: Blueprint): Promise<void>;
  /** Succeeds at once for a machine that is off or proved missing. */
  stop(instance: Instance, manner: StopManner): Promise<void>;
  /** Ends when the guest is really back. */
  reboot(instance: Instance): Promise<void>;
  /** Succeeds for a machine proved missing; removes only what the mark proves. */
  delete(instance: Instance): Promise<void>;
  /** `missing` is proved; a network error is a failure and never `off`. */
  power(instance: Instance): Promise<Power | 'missing'>;
  /** By instance name, for this host's machines only; proves first that it can see them all. */
  powers(): Promise<ReadonlyMap<string, Power>>;
  console(instance: Instance): Promise<Console>;
  /** All machines that this host can see, of any origin; proves first that it can see them all. */
  machines(): Promise<readonly RemoteMachine[]>;
  /** Marks this unmarked machine as the instance's; refuses templates and marked machines. */
  adopt(remoteId: string, instance: Instance): Promise<void>;
  /** Fails as `adopt` would, and marks nothing. */
  planAdoption(remoteId: string, instance: Instance): Promise<void>;
  /** Runs the custom action of this name. */
  run(name: string, call: AnyRun): Promise<Outcome>;
}

/** Makes the verbs of a provider; `settings` have been checked by the provider's own schema. */
export type VerbsOf = (
  provider: Provider,
  settings: Readonly<Record<string, unknown>>,
  context: Context,
) => Verbs;

export const verbsOf: VerbsOf = (provider, settings, context) => {
  const as = <T>(action: string, work: (life: Life) => Promise<T>): Promise<T> =>
    withDriver(provider, settings, { ...context, action }, work);
  return {
    prepare: (...given) =>
      as('prepare', async (life) => (await import('./create.ts')).prepare(life, ...given)),
    create: (...given) =>
      as('create', async (life) => (await import('./create.ts')).create(life, ...given)),
    start: (...given) =>
      as('start', async (life) => (await import('./start.ts')).start(life, ...given)),
    stop: (...given) =>
      as('stop', async (life) => (await import('./stop.ts')).stop(life, ...given)),
    reboot: (instance) =>
      as('reboot', async (life) => (await import('./start.ts')).reboot(life, instance)),
    delete: (instance) =>
      as('delete', async (life) => (await import('./delete.ts')).remove(life, instance)),
    power: (instance) =>
      as('status', async (life) => (await import('./power.ts')).power(life, instance)),
    powers: () =>
      as('statuses', async (life) => (await import('./power-report.ts')).powerReport(life)),
    machines: () => as('audit', async (life) => (await import('./inventory.ts')).machines(life)),
    adopt: (...given) =>
      as('adopt', async (life) => (await import('./inventory.ts')).adopt(life, ...given)),
    planAdoption: (...given) =>
      as('adopt', async (life) => (await import('./inventory.ts')).planAdoption(life, ...given)),
    console: (instance) =>
      as('getconsole', async (life) => (await import('./console.ts')).openConsole(life, instance)),
    run: (name, call) =>
      as(name, async (life) =>
        (await import('./actions.ts')).runAction(life, provider.actions[name], name, call),
      ),
  };
};

/** Connects the driver for one verb, and closes it after success and failure alike. */
async function withDriver<T>(
  { connect }: Provider,
  settings: Readonly<Record<string, unknown>>,
  context: Context,
  work: (life: Life) => Promise<T>,
): Promise<T> {
  const driver = await connect(settings, context);
  try {
    return await work({ driver, context });
  } finally {
    await closed(driver, context);
  }
}

/** The work is over by then: trouble with the end of a connection changes nothing about its outcome. */
async function closed(driver: Pick<Life['driver'], 'close'>, { log }: Context): Promise<void> {
  try {
    await driver.close?.();
  } catch (thrown) {
    log('driver.close-failed', { error: Failure.from(thrown).message });
  }
}
