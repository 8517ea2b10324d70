import { namesOf, parametersOf } from '../../cloudstack/custom.ts';
import { actionsOf } from '../../cloudstack/offered-actions.ts';
import type { Action, Parameter } from '../../contract/action.ts';
import type { Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import { nearest } from '../../kit/nearest.ts';
import { plainName } from '../../kit/plain-name.ts';
import { underNames } from './meant.ts';
import type { ActionWish } from './setup.ts';

/**
 * The wishes of the setup file by the provider's own names; throws `usage` for an action, a parameter or a
 * detail that it does not have, and for a name for people that no call could be matched with.
 */
export function readWishes(
  provider: Provider,
  given: Readonly<Record<string, ActionWish>>,
): Readonly<Record<string, ActionWish>> {
  const actions = actionsOf(provider);
  const wishes = Object.entries(underNames(given, Object.keys(actions), 'custom action'));
  return Object.fromEntries(
    wishes.map(([name, wish]) => {
      const action = actions[name];
      if (action === undefined) throw unknown(provider.title, 'custom action', name, actions);
      checkName(name, [name], wish.name);
      return [name, within(name, action, wish)];
    }),
  );
}

function within(name: string, action: Action, wish: ActionWish): ActionWish {
  const { parameters = {}, details = {}, ...rest } = wish;
  const own = parametersOf(action);
  const policy = action.policy ?? {};
  const named = underNames(parameters, Object.keys(own), `parameter of ${name}`);
  for (const [key, title] of Object.entries(named)) {
    const parameter = own[key];
    if (parameter === undefined) throw unknown(name, 'parameter', key, own);
    checkName(`${name}: ${key}`, namesOf(key, parameter), title);
  }
  const set = underNames(details, Object.keys(policy), `detail of ${name}`);
  const strange = Object.keys(set).find((key) => !Object.hasOwn(policy, key));
  if (strange !== undefined) throw unknown(name, 'detail', strange, policy);
  return { ...rest, parameters: named, details: set };
}

/** A call brings the name that CloudStack shows, and it has to lead back to the provider's own. */
function checkName(what: string, words: readonly string[], title: string | undefined): void {
  if (title === undefined || words.map(plainName).includes(plainName(title))) return;
  const known = words.map((word) => `"${word}"`).join(' or ');
  throw new Failure('usage', `${what} cannot be called "${title}"`, {
    advice: `A name for people is ${known} in other case, with blanks, "_" and "-" as you like`,
  });
}

function unknown(
  owner: string,
  kind: string,
  name: string,
  there: Readonly<Record<string, unknown>>,
): Failure {
  const near = nearest(name, Object.keys(there));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new Failure('usage', `${owner} has no ${kind} "${name}"${hint}`);
}

/** The parameters of an action under the names that people see, as the operator wants them. */
export function namedParameters(
  action: Action,
  { parameters: titles = {} }: ActionWish,
): readonly (readonly [string, Parameter])[] {
  return Object.entries(parametersOf(action)).map(([key, each]) => [titles[key] ?? key, each]);
}
