import { asText, type Entry } from '../api/client.ts';
import type { ActionWish } from './setup.ts';

interface Open {
  readonly name: string;
  readonly roles: readonly string[];
  readonly enabled: boolean;
}

/**
 * A custom action with no more roles than it has, and off where it is off: an operator who restricts an action
 * by hand has a reason, and only the setup file takes that back.
 */
export function asRestricted<D extends Open>(
  definition: D,
  wish: ActionWish,
  there: Entry,
): { readonly definition: D; readonly remarks: readonly string[] } {
  const before = rolesOf(there);
  const roles =
    wish.roles === undefined
      ? definition.roles.filter((role) => role === 'Admin' || before.includes(role))
      : definition.roles;
  const enabled = wish.enabled ?? there['enabled'] === true;
  const { name } = definition;
  const refused = definition.roles.filter((role) => !roles.includes(role));
  return {
    definition: { ...definition, roles, enabled },
    remarks: [
      ...(refused.length === 0
        ? []
        : [
            `Custom action ${name} stays closed to ${refused.join(', ')}: "roles" in the setup file opens it`,
          ]),
      ...(enabled || !definition.enabled
        ? []
        : [
            `Custom action ${name} is disabled and stays so: "enabled" in the setup file switches it on`,
          ]),
    ],
  };
}

/** The roles that may run a custom action, as CloudStack lists them. */
export function rolesOf(there: Entry): string[] {
  const roles = there['allowedroletypes'];
  return Array.isArray(roles) ? roles.map(asText) : asText(roles).split(',');
}
