import type { StopManner } from '../contract/driver.ts';
import type { Instance, SizedInstance } from '../contract/instance.ts';
import type { Verbs } from '../lifecycle/index.ts';
import {
  type Body,
  consoleBody,
  message,
  powerBody,
  powersBody,
  preparationBody,
} from './call-result.ts';

interface RowFacts {
  /** CloudStack shows the text of a failure to the caller, tenants included. */
  readonly shownToCaller: boolean;
  /** Its begin is logged, so that one that was killed is seen. */
  readonly changes?: boolean;
  /** One of hundreds of calls after an outage: it repeats a remembered failure instead of waiting. */
  readonly usesFailureMemo?: boolean;
  /** Ends the sentence that a caller reads when it fails: "The instance could not be ...". */
  readonly pastParticiple: string;
  /** The name of CloudStack's command, for its setting `commands.timeout`. */
  readonly command?: string;
}

/** An action about all instances of a host. */
export interface HostRow extends RowFacts {
  readonly needs: 'nothing';
  call(verbs: Verbs): Promise<Body>;
}

/** An action about one instance that does not depend on its size. */
export interface InstanceRow extends RowFacts {
  readonly needs: 'instance';
  call(verbs: Verbs, instance: Instance): Promise<Body>;
}

/** An action that builds an instance or brings it to its size. */
export interface SizedRow extends RowFacts {
  readonly needs: 'size';
  /** A `full` one has to be valid; a `partial` one leaves out what is missing or refused. */
  readonly blueprint: 'full' | 'partial';
  call(verbs: Verbs, instance: SizedInstance, blueprint: Blueprint): Promise<Body>;
}

type Blueprint = Readonly<Record<string, unknown>>;

/** One of CloudStack's own actions, by what the payload has to say about the instance. */
export type ActionRow = HostRow | InstanceRow | SizedRow;

/** CloudStack's own actions under their exact names (contract: docs/contract.md). */
export const actions: Readonly<Record<string, ActionRow>> = {
  prepare: {
    needs: 'size',
    blueprint: 'full',
    shownToCaller: false,
    changes: true,
    pastParticiple: 'prepared',
    command: 'PrepareExternalProvisioningCommand',
    call: async (verbs, instance, blueprint) =>
      preparationBody(await verbs.prepare(instance, blueprint)),
  },
  create: {
    needs: 'size',
    blueprint: 'full',
    shownToCaller: false,
    changes: true,
    pastParticiple: 'created',
    command: 'StartCommand',
    call: async (verbs, instance, blueprint) => {
      await verbs.create(instance, blueprint);
      return message('Instance created');
    },
  },
  start: {
    needs: 'size',
    blueprint: 'partial',
    shownToCaller: false,
    changes: true,
    pastParticiple: 'started',
    command: 'StartCommand',
    call: async (verbs, instance, blueprint) => {
      await verbs.start(instance, blueprint);
      return message('Instance started');
    },
  },
  stop: {
    needs: 'instance',
    // Of a forced stop, which no payload tells from others.
    shownToCaller: true,
    changes: true,
    pastParticiple: 'stopped',
    command: 'StopCommand',
    call: async (verbs, instance) => {
      await verbs.stop(instance, stopManner(instance));
      return message('Instance stopped');
    },
  },
  reboot: {
    needs: 'instance',
    shownToCaller: true,
    changes: true,
    pastParticiple: 'rebooted',
    command: 'RebootCommand',
    call: async (verbs, instance) => {
      await verbs.reboot(instance);
      return message('Instance rebooted');
    },
  },
  delete: {
    needs: 'instance',
    shownToCaller: true,
    changes: true,
    pastParticiple: 'deleted',
    call: async (verbs, instance) => {
      await verbs.delete(instance);
      return message('Instance deleted');
    },
  },
  status: {
    needs: 'instance',
    shownToCaller: false,
    usesFailureMemo: true,
    pastParticiple: 'queried',
    call: async (verbs, instance) => {
      const power = await verbs.power(instance);
      if (power !== 'missing') return powerBody(power);
      throw (await import('../lifecycle/refusals.ts')).missing(instance);
    },
  },
  statuses: {
    needs: 'nothing',
    shownToCaller: false,
    usesFailureMemo: true,
    pastParticiple: 'listed',
    call: async (verbs) => powersBody(await verbs.powers()),
  },
  getconsole: {
    needs: 'instance',
    shownToCaller: true,
    pastParticiple: 'shown on a console',
    command: 'GetExternalConsoleCommand',
    call: async (verbs, instance) => consoleBody(await verbs.console(instance)),
  },
};

/**
 * Only a stop that a user asked for waits for the guest.
 *
 * CloudStack sends the same word after failed creates and from its power sync, with other states.
 */
function stopManner({ state, deploying }: Instance): StopManner {
  return state === 'Stopping' && !deploying ? 'graceful' : 'hard';
}
