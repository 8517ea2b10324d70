import { plainName } from '../../kit/plain-name.ts';
import { asEntries, asText, asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import type { Actual } from './actual.ts';
import { type Definition, define } from './definition.ts';
import { detailDifferences } from './details.ts';
import { inOrderOfList } from './form.ts';
import { type Change, type Difference, joined, type Plan } from './plan.ts';
import { asRestricted, rolesOf } from './restricted.ts';
import type { Wanted } from './wanted.ts';

/** Every custom action of the provider; actions that it does not know are left alone, or removed by --prune. */
export function planActions(wanted: Wanted, actual: Actual): Plan {
  const definitions = inOrderOfList(wanted.provider).map(([key, action]) =>
    define(key, action, wanted, actual),
  );
  const found = definitions.map((definition) => [definition, thereAs(definition, actual)] as const);
  const known = new Set(found.map(([, there]) => there));
  const unknown = actual.actions.filter((action) => !known.has(action));
  const closed = !actual.release.tellsCaller && definitions.length > 0;
  const plans = found.map(([definition, there]): Plan => {
    if (there === undefined) return { changes: [creation(definition)], remarks: [] };
    const wish = wanted.actions[definition.key] ?? {};
    const { definition: allowed, remarks } = asRestricted(definition, wish, there);
    const named = remarkOnName(definition.name, there);
    return { changes: update(allowed, there), remarks: [...remarks, ...named] };
  });
  return joined([
    // CloudStack lists the newest first.
    ...plans.reverse(),
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

/** The action as CloudStack has it, under its own name or one for people. */
function thereAs({ key, name }: Definition, { actions }: Actual): Entry | undefined {
  const words = new Set([key, name].map(plainName));
  return actions.find((action) => words.has(plainName(asText(action['name']))));
}

function remarkOnName(name: string, there: Entry): string[] {
  const now = asText(there['name']);
  if (now.toLowerCase() === name.toLowerCase()) return [];
  return [`The action ${now} keeps its name, since CloudStack cannot change it to "${name}"`];
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

function creation(definition: Definition): Change {
  const { name, description, messages, roles, timeout, enabled, parameters, details } = definition;
  return {
    verb: 'create',
    subject: `custom action ${name}`,
    differences: [
      { what: 'time-out', to: `${timeout} s` },
      { what: 'roles', to: roles.join(', ') },
      { what: 'description', to: description },
      ...Object.entries(messages).map(([what, to]) => ({ what, to })),
      ...(enabled ? [] : [{ what: 'enabled', to: 'false' }]),
      ...(parameters.length === 0
        ? []
        : [{ what: 'parameters', to: parameters.map(inPlainWords).join(', ') }]),
      ...detailDifferences({}, details, new Set()),
    ],
    command: 'addCustomAction',
    parameters: (idOf) => ({
      ...{ extensionid: idOf('extension'), name, description, ...messages, timeout, enabled },
      ...{ resourcetype: 'VirtualMachine', allowedroletypes: roles },
      ...(parameters.length === 0 ? {} : { parameters }),
      details,
    }),
  };
}

function update(definition: Definition, there: Entry): Change[] {
  const { name, description, messages, roles, timeout, enabled, parameters, details } = definition;
  const changedMessages = Object.entries(messages).filter(([key, to]) => asText(there[key]) !== to);
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
    ...changedMessages.map(([key, to]) => {
      const from = asText(there[key]);
      return from === '' ? { what: key, to } : { what: key, from, to };
    }),
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
        ...Object.fromEntries(changedMessages),
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
