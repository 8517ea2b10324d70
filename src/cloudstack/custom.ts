import * as v from 'valibot';
import type { Action, Parameter, Parameters } from '../contract/action.ts';
import type { Caller, Instance } from '../contract/instance.ts';
import type { Provider } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import { text } from '../kit/fields.ts';
import { nearest } from '../kit/nearest.ts';
import { plainName } from '../kit/plain-name.ts';
import type { Known } from './call-facts.ts';
import { enumerate } from './issues.ts';
import { actionsOf, ownActions } from './offered-actions.ts';
import type { CoreSettings } from './settings.ts';

/** A custom action of a provider under the name its author gave it. */
export interface Custom {
  readonly name: string;
  readonly action: Action;
  /** The core serves it and asks no remote system, so that the settings do not matter. */
  readonly isOwn: boolean;
}

/** Adds the custom action that the payload names, if it names one that the caller may run. */
export function withCustom<Facts extends Known<'provider' | 'payload' | 'core'>>(facts: Facts) {
  const { provider, payload, core, caller, secrets } = facts;
  if (payload.action === undefined) return facts;
  const custom = findCustom(provider, payload.action);
  checkRole(custom, caller, core);
  const passwords = parameterSecrets(custom.action, payload.parameters);
  return { ...facts, custom, secrets: [...secrets, ...passwords] };
}

/** The action by its name as people may write it; throws `unsupported` with the names that there are. */
function findCustom(provider: Provider, word: string): Custom {
  const actions = actionsOf(provider);
  const names = Object.keys(actions);
  const name = names.find((each) => plainName(each) === plainName(word));
  const action = name === undefined ? undefined : actions[name];
  if (name !== undefined && action !== undefined) {
    return { name, action, isOwn: Object.hasOwn(ownActions, name) };
  }
  const near = nearest(word, names);
  const sentence = `${provider.title} has no custom action "${word}"${near === undefined ? '' : `; did you mean ${near}?`}`;
  throw new Failure('unsupported', sentence, {
    tenant: sentence,
    advice: names.length === 0 ? 'It has no custom actions' : `It has: ${names.join(', ')}`,
  });
}

/** Refuses a caller whose role may not run the action; `register` gives CloudStack the same roles. */
function checkRole({ name, action }: Custom, caller: Caller | undefined, core: CoreSettings): void {
  if (caller === undefined) {
    if (action.roles.includes('User') || core.admin_actions_without_caller) return;
    throw new Failure(
      'denied',
      `${name} is for administrators, and CloudStack did not name the caller`,
      {
        tenant: `${name} is for administrators`,
        advice:
          'Before CloudStack 4.22, set the host detail "admin_actions_without_caller" to true',
      },
    );
  }
  if (action.roles.includes(caller.role)) return;
  throw new Failure('denied', `${name} is for ${action.roles.join(', ')}, not for ${caller.role}`, {
    tenant: `${name} is not allowed for your role`,
  });
}

/** The parameters as they are registered: a destructive action also wants the instance named. */
export function parametersOf(action: Action): Parameters {
  if (action.destroysData !== true) return action.parameters;
  return { ...action.parameters, confirm };
}

/** Tenants do not see the internal name. */
const confirm: Parameter<string> = {
  type: 'STRING',
  about: "The instance's ID as its page shows it, or its internal name",
  schema: text({ most: 127 }),
  required: true,
  example: 'i-2-42-VM',
};

/** Every parameter through its schema; throws all issues at once, in texts that a tenant may read. */
export function readParameters(
  { name, action }: Custom,
  given: Readonly<Record<string, unknown>>,
  instance: Instance,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  const issues: string[] = [];
  for (const [key, parameter] of Object.entries(parametersOf(action))) {
    const [first, ...more] = givenFor(key, parameter, given);
    if (more.some(([, raw]) => raw !== first?.[1])) {
      issues.push(`parameter "${key}" is given twice`);
      continue;
    }
    const [word, raw] = first ?? [key, undefined];
    const value = raw ?? parameter.default;
    if (value === undefined) {
      if (parameter.required === true) issues.push(`parameter "${key}" is missing`);
      continue;
    }
    const result = v.safeParse(parameter.schema(), value);
    if (result.success) values[key] = result.output;
    else issues.push(`parameter "${word}" ${result.issues[0].message}`);
  }
  if (action.destroysData === true && values['confirm'] !== undefined) {
    const repeated = String(values['confirm']);
    if (repeated !== instance.name && repeated.toLowerCase() !== instance.uuid) {
      issues.push('parameter "confirm" is neither the ID nor the internal name of this instance');
    }
  }
  if (issues.length === 0) return values;
  const sentence = `Cannot run ${name}: ${enumerate(issues)}`;
  throw new Failure('usage', sentence, { tenant: sentence });
}

/** Every name under which a parameter may be registered or given. */
export function namesOf(key: string, { also = [], title }: Parameter): readonly string[] {
  return [key, ...also, ...(title === undefined ? [] : [title])];
}

/** The given texts that are meant for a parameter, each with its name as the caller wrote it. */
function givenFor(
  key: string,
  parameter: Parameter,
  given: Readonly<Record<string, unknown>>,
): (readonly [string, string])[] {
  const names = new Set(namesOf(key, parameter).map(plainName));
  return Object.entries(given).flatMap(([word, value]) => {
    const raw = names.has(plainName(word)) ? toText(value) : undefined;
    return raw === undefined ? [] : [[word, raw] as const];
  });
}

/** CloudStack sends numbers and booleans as such, or as text when another server forwards them. */
function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === undefined || value === null ? undefined : '\0';
}

/** Passwords among the parameters, which no answer and no log line may show. */
function parameterSecrets(action: Action, given: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(parametersOf(action))
    .filter(([, { format, secret }]) => format === 'PASSWORD' || secret === true)
    .flatMap(([key, parameter]) => givenFor(key, parameter, given))
    .map(([, value]) => value.trim());
}
