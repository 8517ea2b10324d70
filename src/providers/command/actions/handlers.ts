import type { Actions, Handlers } from '../../../contract/action.ts';
import type { Blueprint } from '../../../contract/driver.ts';
import { givenInstance, givenMachine } from '../machine/request.ts';
import type { Seen, Session } from '../machine/session.ts';
import type { Description } from '../protocol/description.ts';

/** The driver's own custom actions: the lifecycle has found the machine and checked the caller by now. */
export function handlers(
  { client }: Session,
  { actions = {} }: Description,
): Handlers<Seen, Blueprint, Actions> {
  const names = Object.keys(actions);
  return Object.fromEntries(
    names.map((action) => [
      action,
      async ({ machine, instance, parameters, blueprint, deadline }: Given) => {
        const request = {
          ...{ action, parameters },
          machine: machine === undefined ? null : givenMachine(machine),
          instance: givenInstance(instance),
          ...(actions[action]?.usesBlueprint === true ? { blueprint } : {}),
        };
        const { message, rows, facts } = await client.ask('run-action', request, {
          what: `run ${action}`,
          deadline,
        });
        return {
          message,
          ...(rows === undefined ? {} : { rows }),
          ...(facts === undefined ? {} : { facts }),
        };
      },
    ]),
  );
}

type Given = Parameters<Handlers<Seen | undefined, Blueprint, Actions>[string]>[0];
