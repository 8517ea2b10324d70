import type { Context } from '../../contract/context.ts';
import { defineProvider } from '../../contract/provider.ts';
import { actions } from './actions/definitions.ts';
import { getDetails, getIpAddresses, listClaimable } from './actions/handlers.ts';
import { setLock } from './actions/lock.ts';
import { redeploy } from './actions/redeploy.ts';
import { createClient } from './api/client.ts';
import { apiUrl } from './api/endpoint.ts';
import { blueprint, blueprintIssues } from './blueprint.ts';
import { checks } from './doctor/checks.ts';
import { adopt } from './machine/adopt.ts';
import { openConsole } from './machine/console.ts';
import { machines } from './machine/describe.ts';
import { reboot, remove, start, stop } from './machine/lifecycle.ts';
import { power, powers } from './machine/list.ts';
import { create } from './machine/make.ts';
import { prepare } from './machine/prepare.ts';
import type { Rig } from './machine/session.ts';
import { type Settings, settings, settingsIssues } from './settings.ts';
import { stored } from './stored.ts';

/** Physical machines that Canonical MAAS installs, switches and erases. */
export const maas = defineProvider({
  name: 'maas',
  title: 'MAAS',
  about: 'Physical machines that Canonical MAAS installs and looks after',
  settings,
  settingsIssues,
  blueprint,
  blueprintIssues,
  stored,
  actions,
  prepares: true,
  endpoints: ({ endpoint }) => [apiUrl(endpoint) ?? endpoint],
  checks,
  open(given, context) {
    const as = <T>(work: (rig: Rig) => Promise<T>): Promise<T> => withRig(given, context, work);
    return {
      prepare: (instance, wanted) => as((rig) => prepare(rig, instance, wanted)),
      create: (instance, wanted) => as((rig) => create(rig, instance, wanted)),
      start: (instance) => as((rig) => start(rig, instance)),
      stop: (instance, manner) => as((rig) => stop(rig, instance, manner)),
      reboot: (instance) => as((rig) => reboot(rig, instance)),
      delete: (instance) => as((rig) => remove(rig, instance)),
      power: (instance) => as((rig) => power(rig, instance)),
      powers: () => as(powers),
      machines: () => as(machines),
      adopt: (remoteId, instance) => as((rig) => adopt(rig, remoteId, instance)),
      console: (instance) => as((rig) => openConsole(rig, instance)),
      run: {
        GetIpAddresses: ({ instance }) => as((rig) => getIpAddresses(rig, instance)),
        GetDetails: ({ instance }) => as((rig) => getDetails(rig, instance)),
        ListMachines: ({ instance, parameters }) =>
          as((rig) => listClaimable(rig, instance, parameters.pool)),
        Lock: ({ instance }) => as((rig) => setLock(rig, instance, true)),
        Unlock: ({ instance }) => as((rig) => setLock(rig, instance, false)),
        Redeploy: ({ instance, blueprint: wanted, parameters }) =>
          as((rig) => redeploy(rig, instance, wanted, parameters.distro_series)),
      },
    };
  },
});

async function withRig<T>(
  given: Settings,
  context: Context,
  work: (rig: Rig) => Promise<T>,
): Promise<T> {
  const client = createClient(given, context);
  try {
    return await work({ settings: given, context, client });
  } finally {
    client.close();
  }
}
