import type { Context } from '../contract/context.ts';
import type { Provider, Session } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import type { AnyRun } from './actions.ts';
import type { Life } from './find.ts';

/*
 * The verbs over a provider's driver. Each is loaded when it is asked for: CloudStack starts one
 * process for one verb, and pays for everything that is loaded besides.
 */

/** The provider's verbs; `settings` have been checked by its own schema. */
export async function openSession(
  provider: Provider,
  settings: Readonly<Record<string, unknown>>,
  context: Context,
): Promise<Session> {
  if (provider.open !== undefined) return provider.open(settings, context);
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
    console: (instance) =>
      as('getconsole', async (life) => (await import('./console.ts')).openConsole(life, instance)),
    run: Object.fromEntries(
      Object.entries(provider.actions).map(([name, action]) => [
        name,
        (call: AnyRun) =>
          as(name, async (life) =>
            (await import('./actions.ts')).runAction(life, name, action, call),
          ),
      ]),
    ),
  };
}

/** Connects the driver for one verb, and closes it after success and failure alike. */
async function withDriver<T>(
  { connect, name }: Provider,
  settings: Readonly<Record<string, unknown>>,
  context: Context,
  work: (life: Life) => Promise<T>,
): Promise<T> {
  if (connect === undefined) throw new Failure('internal', `${name} offers no driver`);
  const driver = await connect(settings, context);
  try {
    return await work({ driver, context });
  } finally {
    await driver.close?.();
  }
}
