import { type Actions, adminOnly, everyone } from '../../../contract/action.ts';
import { blueprint } from '../blueprint.ts';

/** The custom actions; MAAS has no snapshots to offer. */
export const actions = {
  GetIpAddresses: {
    about: 'Lists the addresses of the instance as MAAS knows them',
    succeeded: 'The addresses of the instance',
    failed: 'The addresses could not be listed',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'shown',
  },
  GetDetails: {
    about: 'Shows the machine of the instance: its addresses, its power and its latest events',
    succeeded: 'The machine of the instance',
    failed: 'The machine could not be shown',
    effect: 'shows',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
    wants: 'shown',
  },
  ListMachines: {
    about:
      'Lists the machines that could be claimed, with what they are like and what failed on them lately',
    succeeded: 'The machines that could be claimed',
    failed: 'The machines could not be listed',
    effect: 'shows',
    parameters: {
      pool: {
        type: 'STRING',
        about: 'Only machines of this resource pool',
        optionsFrom: ['allowed_pools'],
        schema: blueprint.pool.schema,
      },
    },
    timeoutSeconds: 60,
    roles: adminOnly,
    // Any machine will do, but as every action it is refused to an instance that is in doubt.
    wants: 'shown',
  },
  ClearFailures: {
    about:
      'Forgets the failed deployments of a machine that is Ready, so that instances get it again',
    succeeded: 'The failures of the machine are forgotten',
    failed: 'The failures were not forgotten. The machine has to be one that ListMachines shows',
    parameters: {
      system_id: {
        type: 'STRING',
        about: 'The System ID of the machine, as ListMachines shows it',
        schema: blueprint.maas_system_id.schema,
        required: true,
        example: '4y3h7n',
      },
    },
    timeoutSeconds: 120,
    roles: adminOnly,
    wants: 'shown',
  },
  Lock: {
    about: 'Locks the machine in MAAS, so that no user releases or switches it by mistake',
    succeeded: 'The machine is locked',
    failed: 'The machine was not locked',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Unlock: {
    about: 'Takes the lock off the machine',
    succeeded: 'The machine is not locked',
    failed: 'The lock was not taken off',
    parameters: {},
    timeoutSeconds: 60,
    roles: adminOnly,
  },
  Redeploy: {
    about: 'Installs the machine of the instance anew',
    succeeded: 'The instance was installed anew',
    failed:
      'The instance was not installed anew. The instance has to be confirmed, the series has to be one that MAAS has for the machine, and the machine must not be locked',
    effect: 'discards',
    parameters: {
      distro_series: {
        type: 'STRING',
        about: "The series to install; without it the one of the instance's details",
        optionsFrom: ['allowed_series'],
        schema: blueprint.distro_series.schema,
      },
    },
    timeoutSeconds: 3600,
    roles: adminOnly,
    destroysData: true,
    // It also goes on with what an earlier one has left, which is no finished machine.
    wants: 'none',
    usesBlueprint: true,
  },
} as const satisfies Actions;
