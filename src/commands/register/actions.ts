import { parametersOf } from '../../cloudstack/custom.ts';
import { actionsOf } from '../../cloudstack/offered-actions.ts';
import type { Action, Parameter } from '../../contract/action.ts';
import { asEntries, asText, asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import type { Actual } from './actual.ts';
import { detailDifferences } from './details.ts';
import { type Change, type Difference, joined, type Plan } from './plan.ts';
import { asRestricted, rolesOf } from './restricted.ts';
import type { ActionWish } from './setup.ts';
import type { Wanted } from './wanted.ts';

/** One custom action as CloudStack is to have it. */
interface Definition {
  readonly name: string;
  readonly description: string;
  readonly roles: readonly string[];
  readonly timeout: number;
  /** The operator's own word counts; else one that he has made longer stays. */
  readonly timeoutIsWish: boolean;
  readonly enabled: boolean;
  readonly parameters: readonly Texts[];
  readonly details: Texts;
}

/** Every custom action of the provider; actions that it does not know are left alone, or removed by --prune. */
export function planActions(wanted: Wanted, actual: Actual): Plan {
  const definitions = Object.entries(actionsOf(wanted.provider)).map(([name, action]) =>
    define(name, action, wanted.actions[name] ?? {}, actual),
  );
  const names = new Set(definitions.map(({ name }) => name.toLowerCase()));
  const unknown = actual.actions.filter(({ name }) => !names.has(asText(name).toLowerCase()));
  const closed = !actual.release.tellsCaller && definitions.length > 0;
  const plans = definitions.map((definition): Plan => {
    const there = actual.actions.find(
      ({ name }) => asText(name).toLowerCase() === definition.name.toLowerCase(),
    );
    if (there === undefined) return { changes: [creation(definition)], remarks: [] };
    const wish = wanted.actions[definition.name] ?? {};
    const { definition: allowed, remarks } = asRestricted(definition, wish, there);
    return { changes: update(allowed, there), remarks };
  });
  return joined([
    ...plans,
    wanted.prune ? { changes: unknown.map(deletion), remarks: [] } : leftAlone(unknown),
    {
      changes: [],
      remarks: closed
        ? [
            `CloudStack ${actual.release.version} does not check who runs a custom action: all are for Admin only`,
          ]
        : [],
    },
  ]);
}

function leftAlone(others: readonly Entry[]): Plan {
  const names = others.map(({ name }) => asText(name)).join(', ');
  return {
    changes: [],
    remarks: names === '' ? [] : [`Other custom actions are left alone: ${names}`],
  };
}

/** Takes a custom action out of CloudStack. */
export function deletion(action: Entry): Change {
  const id = asText(action['id']);
  return {
    verb: 'delete',
    subject: `custom action ${asText(action['name'])}`,
    differences: [],
    command: 'deleteCustomAction',
    parameters: () => ({ id }),
  };
}

function define(name: string, action: Action, wish: ActionWish, { release }: Actual): Definition {
  const wished = wish.roles === undefined || wish.roles === 'suggested' ? action.roles : wish.roles;
  const roles = release.tellsCaller ? wished : [];
  return {
    name,
    description: action.about,
    // An update takes Admin away where it is not named again.
    roles: [...new Set(['Admin', ...roles])],
    timeout: wish.timeout ?? action.timeoutSeconds,
    timeoutIsWish: wish.timeout !== undefined,
    enabled: wish.enabled ?? true,
    parameters: Object.entries(parametersOf(action)).map(([key, each]) => parameter(key, each)),
    details: wish.details ?? {},
  };
}

function parameter(name: string, { type, format, options, required }: Parameter): Texts {
  return {
    ...{ name, type, required: String(required === true) },
    ...(format === undefined ? {} : { validationformat: format }),
    ...(options === undefined ? {} : { valueoptions: options.join(',') }),
  };
}

function creation(definition: Definition): Change {
  const { name, description, roles, timeout, enabled, parameters, details } = definition;
  return {
    verb: 'create',
    subject: `custom action ${name}`,
    differences: [
      { what: 'time-out', to: `${timeout} s` },
      { what: 'roles', to: roles.join(', ') },
      { what: 'description', to: description },
      ...(enabled ? [] : [{ what: 'enabled', to: 'false' }]),
      ...(parameters.length === 0
        ? []
        : [{ what: 'parameters', to: parameters.map(inPlainWords).join(', ') }]),
      ...detailDifferences({}, details, new Set()),
    ],
    command: 'addCustomAction',
    parameters: (idOf) => ({
      ...{ extensionid: idOf('extension'), name, description, timeout, enabled },
      ...{ resourcetype: 'VirtualMachine', allowedroletypes: roles },
      ...(parameters.length === 0 ? {} : { parameters }),
      details,
    }),
  };
}

function update(definition: Definition, there: Entry): Change[] {
  const { name, description, roles, timeout, enabled, parameters, details } = definition;
  const before = asTexts(there['details']);
  const rolesBefore = rolesOf(there);
  const timeoutBefore = Number(there['timeout'] ?? 3);
  const same = {
    description: asText(there['description']) === description,
    roles: sorted(rolesBefore) === sorted(roles),
    timeout: definition.timeoutIsWish ? timeoutBefore === timeout : timeoutBefore >= timeout,
    enabled: (there['enabled'] === true) === enabled,
    parameters:
      sorted(asEntries(there['parameters']).map(asWord)) === sorted(parameters.map(asWord)),
  };
  const changedDetails = detailDifferences(before, details, new Set());
  const differences: Difference[] = [
    ...(same.timeout ? [] : [{ what: 'time-out', from: `${timeoutBefore} s`, to: `${timeout} s` }]),
    ...(same.roles ? [] : [{ what: 'roles', from: rolesBefore.join(', '), to: roles.join(', ') }]),
    ...(same.enabled ? [] : [{ what: 'enabled', from: String(!enabled), to: String(enabled) }]),
    ...(same.description
      ? []
      : [{ what: 'description', from: asText(there['description']), to: description }]),
    ...(same.parameters ? [] : [parameterDifference(there, parameters)]),
    ...changedDetails,
  ];
  if (differences.length === 0) return [];
  const id = asText(there['id']);
  return [
    {
      verb: 'update',
      subject: `custom action ${name}`,
      differences,
      command: 'updateCustomAction',
      parameters: () => ({
        ...{ id, description, enabled, allowedroletypes: roles },
        ...(same.timeout ? {} : { timeout }),
        ...(same.parameters
          ? {}
          : parameters.length === 0
            ? { cleanupparameters: true }
            : { parameters }),
        ...(changedDetails.length === 0 ? {} : { details: { ...before, ...details } }),
      }),
    },
  ];
}

function parameterDifference(there: Entry, parameters: readonly Texts[]): Difference {
  const before = asEntries(there['parameters']).map(inPlainWords);
  const after = parameters.map(inPlainWords);
  return {
    what: 'parameters',
    from: before.join(', ') || 'none',
    to: after.join(', ') || 'none',
  };
}

/** Such as `coats (NUMBER, required)`: all of it, so that the plan shows every difference. */
function inPlainWords(each: Entry): string {
  const [name = '', type = '', format = '', list = '', required = ''] = asWord(each).split('|');
  const options = list === '' ? '' : `one of ${list.split(',').join(' ')}`;
  const parts = [type, format, options, required === 'true' ? 'required' : ''];
  return `${name} (${parts.filter((part) => part !== '').join(', ')})`;
}

/** A parameter as one word, however CloudStack writes its parts. */
function asWord(each: Entry): string {
  const options = each['valueoptions'];
  const list = Array.isArray(options) ? options.map(asText).join(',') : asText(options);
  const format = asText(each['validationformat']).toUpperCase();
  const required = asText(each['required']) === 'true';
  const type = asText(each['type']).toUpperCase();
  return [each['name'], type, format === 'NONE' ? '' : format, list, required].join('|');
}

function sorted(words: readonly string[]): string {
  return JSON.stringify([...words].sort());
}
