import type { StopManner } from '../contract/driver.ts';
import type { Instance, SizedInstance } from '../contract/instance.ts';
import type { Session } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import {
  type Body,
  consoleBody,
  message,
  powerBody,
  powersBody,
  preparationBody,
} from './call-result.ts';

/** What a call has been turned into when its session is asked. */
export interface Ask {
  readonly instance: Instance;
  readonly sized: SizedInstance;
  readonly blueprint: Readonly<Record<string, unknown>>;
}

/** One of CloudStack's own actions. */
export interface ActionRow {
  /** What the payload has to say about the instance. */
  readonly needs: 'nothing' | 'instance' | 'size';
  /** `full` has to be valid, `partial` leaves out what is not. */
  readonly blueprint?: 'full' | 'partial';
  /** CloudStack shows the text of a failure to whoever asked, tenants included. */
  readonly shown: boolean;
  /** One of many in a storm after an outage: a remembered failure will do. */
  readonly remembers?: boolean;
  /** What a caller reads when it fails: "The instance could not be ...". */
  readonly done: string;
  /** The name of CloudStack's command, for its setting `commands.timeout`. */
  readonly command?: string;
  call(session: Session, ask: Ask): Promise<Body>;
}

/** CloudStack's own actions under their exact names (contract: docs/contract.md). */
export const actions: Readonly<Record<string, ActionRow>> = {
  prepare: {
    needs: 'size',
    blueprint: 'full',
    shown: false,
    done: 'prepared',
    command: 'PrepareExternalProvisioningCommand',
    call: async (session, { sized, blueprint }) =>
      // A provider without it has nothing to hand back, which is no reason to fail a deployment.
      preparationBody((await session.prepare?.(sized, blueprint)) ?? {}),
  },
  create: {
    needs: 'size',
    blueprint: 'full',
    shown: false,
    done: 'created',
    command: 'StartCommand',
    call: async (session, { sized, blueprint }) => {
      await session.create(sized, blueprint);
      return message('Instance created');
    },
  },
  start: {
    needs: 'size',
    blueprint: 'partial',
    shown: false,
    done: 'started',
    command: 'StartCommand',
    call: async (session, { sized, blueprint }) => {
      await session.start(sized, blueprint);
      return message('Instance started');
    },
  },
  stop: {
    needs: 'instance',
    shown: false,
    done: 'stopped',
    command: 'StopCommand',
    call: async (session, { instance }) => {
      await session.stop(instance, stopManner(instance));
      return message('Instance stopped');
    },
  },
  reboot: {
    needs: 'instance',
    shown: true,
    done: 'rebooted',
    command: 'RebootCommand',
    call: async (session, { instance }) => {
      await session.reboot(instance);
      return message('Instance rebooted');
    },
  },
  delete: {
    needs: 'instance',
    shown: true,
    done: 'deleted',
    call: async (session, { instance }) => {
      await session.delete(instance);
      return message('Instance deleted');
    },
  },
  status: {
    needs: 'instance',
    shown: false,
    remembers: true,
    done: 'looked at',
    call: async (session, { instance }) => powerBody(await session.power(instance)),
  },
  statuses: {
    needs: 'nothing',
    shown: false,
    remembers: true,
    done: 'listed',
    call: async (session) => {
      if (session.powers === undefined) throw absent('This provider cannot list all instances');
      return powersBody(await session.powers());
    },
  },
  getconsole: {
    needs: 'instance',
    shown: true,
    done: 'shown on a console',
    command: 'GetExternalConsoleCommand',
    call: async (session, { instance }) => {
      if (session.console === undefined) throw absent('This provider offers no console');
      return consoleBody(await session.console(instance));
    },
  },
};

/** The manual's word for create. */
const aliases: Readonly<Record<string, string>> = { deploy: 'create' };

/** A row by its exact name; inherited keys of the table are no actions. */
export function builtIn(action: string): { name: string; row: ActionRow } | undefined {
  const name = Object.hasOwn(aliases, action) ? (aliases[action] ?? action) : action;
  const row = Object.hasOwn(actions, name) ? actions[name] : undefined;
  return row === undefined ? undefined : { name, row };
}

/**
 * Only a stop that somebody asked for waits for the guest.
 *
 * The same word comes after failed creates and from the power sync, with other states.
 */
function stopManner({ state, deploying }: Instance): StopManner {
  return state === 'Stopping' && !deploying ? 'graceful' : 'hard';
}

function absent(sentence: string): Failure {
  return new Failure('unsupported', sentence, { tenant: sentence });
}
