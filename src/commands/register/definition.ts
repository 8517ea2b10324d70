import type { Action, Parameter } from '../../contract/action.ts';
import type { Texts } from '../api/form.ts';
import type { Actual } from './actual.ts';
import { descriptionOf, errorMessageOf, successMessageOf } from './form.ts';
import { listedValues } from './options.ts';
import type { Wanted } from './wanted.ts';
import { namedParameters } from './wishes.ts';

/** One custom action as CloudStack is to have it. */
export interface Definition {
  /** The provider's own name for it. */
  readonly key: string;
  readonly name: string;
  readonly description: string;
  readonly messages: Texts;
  readonly roles: readonly string[];
  readonly timeout: number;
  /** The operator's own word counts; else one that he has made longer stays. */
  readonly timeoutIsWish: boolean;
  readonly enabled: boolean;
  readonly parameters: readonly Texts[];
  readonly details: Texts;
}

/** The definition of the provider, with what the operator wants to differ. */
export function define(key: string, action: Action, wanted: Wanted, actual: Actual): Definition {
  const nameOf = (word: string): string => wanted.actions[word]?.name ?? word;
  const wish = wanted.actions[key] ?? {};
  const wished = wish.roles === undefined || wish.roles === 'suggested' ? action.roles : wish.roles;
  const roles = actual.release.tellsCaller ? wished : [];
  const success = wish.successmessage ?? successMessageOf(action);
  const parameters = namedParameters(action, wish);
  const error = wish.errormessage ?? errorMessageOf(action, key, nameOf('ShowErrors'));
  return {
    key,
    name: nameOf(key),
    description: descriptionOf(action, parameters),
    messages: {
      ...(success === undefined ? {} : { successmessage: success }),
      errormessage: error,
    },
    // An update takes Admin away where it is not named again.
    roles: [...new Set(['Admin', ...roles])],
    timeout: wish.timeout ?? action.timeoutSeconds,
    timeoutIsWish: wish.timeout !== undefined,
    enabled: wish.enabled ?? true,
    parameters: parameters.map(([word, each]) =>
      parameter(word, withOptions(each, wanted, actual)),
    ),
    details: wish.details ?? {},
  };
}

function withOptions(each: Parameter, wanted: Wanted, actual: Actual): Parameter {
  if (each.optionsFrom === undefined) return each;
  const options = listedValues(each.optionsFrom, wanted, actual);
  return options === undefined ? each : { ...each, options };
}

function parameter(name: string, { type, format, options, required }: Parameter): Texts {
  return {
    ...{ name, type, required: String(required === true) },
    ...(format === undefined ? {} : { validationformat: format }),
    ...(options === undefined ? {} : { valueoptions: options.join(',') }),
  };
}
