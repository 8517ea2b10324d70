import { adminOnly, everyone } from '../contract/action.ts';

/** The custom actions about power that every provider of virtual machines has. */
export const powerActions = {
  Reset: {
    about: 'Restarts the instance at once, without asking the guest, which loses unsaved work',
    succeeded: 'The instance was reset',
    failed: 'The instance was not reset. It has to be running',
    effect: 'interrupts',
    parameters: {},
    timeoutSeconds: 60,
    roles: everyone,
    wants: 'running',
  },
  Suspend: {
    about:
      'Halts the instance and keeps it in memory until Resume; CloudStack goes on showing it as Running',
    succeeded: 'The instance is suspended; CloudStack goes on showing it as Running',
    failed: 'The instance was not suspended. It has to be running',
    effect: 'interrupts',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
    wants: 'running',
  },
  Resume: {
    about: 'Lets a suspended instance go on',
    succeeded: 'Instance resumed',
    failed: 'The instance does not go on. Only one that was suspended can',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
    wants: 'running',
  },
} as const;

/** The answer of Suspend, whose effect CloudStack does not see: a suspended instance is on. */
export const suspended = { message: powerActions.Suspend.succeeded } as const;
