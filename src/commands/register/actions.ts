import { parametersOf } from '../../cloudstack/custom.ts';
import { actionsOf } from '../../cloudstack/offered-actions.ts';
import type { Action, Parameter } from '../../contract/action.ts';
import { asEntries, asText, asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import type { Actual } from './actual.ts';
import { detailDifferences } from './details.ts';
import type { Change, Difference, Plan } from './plan.ts';
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

/** Every custom action of the provider; actions that it does not know are left alone. */
export function planActions(wanted: Wanted, actual: Actual): Plan {
  const definitions = Object.entries(actionsOf(wanted.provider)).map(([name, action]) =>
    define(name, action, wanted.actions[name] ?? {}, actual),
  );
  const names = new Set(definitions.map(({ name }) => name.toLowerCase()));
  const others = actual.actions
    .map(({ name }) => asText(name))
    .filter((name) => !names.has(name.toLowerCase()));
  const closed = !actual.release.tellsCaller && definitions.length > 0;
  return {
    changes: definitions.flatMap((definition) => {
      const there = actual.actions.find(
        ({ name }) => asText(name).toLowerCase() === definition.name.toLowerCase(),
      );
      return there === undefined ? [creation(definition)] : update(definition, there);
    }),
    remarks: [
      ...(others.length === 0 ? [] : [`Other custom actions are left alone: ${others.join(', ')}`]),
      ...(closed
        ? [
            `CloudStack ${actual.release.version} does not check who runs a custom action: all are for Admin only`,
          ]
        : []),
    ],
  };
}

function define(name: string, action: Action, wish: ActionWish, { release }: Actual): Definition {
  const roles = release.tellsCaller ? (wish.roles ?? action.roles) : [];
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
      ...(enabled ? [] : [{ what: 'enabled', to: 'false' }]),
      ...(parameters.length === 0
        ? []
        : [{ what: 'parameters', to: parameters.map(({ name: key }) => key).join(', ') }]),
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
  const before = asEntries(there['parameters']).map((each) => asText(each['name']));
  const after = parameters.map(({ name = '' }) => name);
  return {
    what: 'parameters',
    from: before.join(', ') || 'none',
    to: after.join(', ') || 'none',
  };
}

function rolesOf(there: Entry): string[] {
  const roles = there['allowedroletypes'];
  return Array.isArray(roles) ? roles.map(asText) : asText(roles).split(',');
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
