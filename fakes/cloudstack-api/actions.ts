import { randomUUID } from 'node:crypto';
import { extensionBy } from './extensions.ts';
import { genuine } from './genuine/index.ts';
import { kept } from './limits.ts';
import { detailsOf, mapsOf, type Values } from './parameters.ts';
import { failed, wrong } from './refusal.ts';
import type { FakeAction, FakeState, Texts } from './state.ts';

const roleTypes = ['Admin', 'ResourceAdmin', 'DomainAdmin', 'User'];
const formats: Readonly<Record<string, readonly string[]>> = {
  STRING: ['NONE', 'UUID', 'EMAIL', 'PASSWORD', 'URL'],
  NUMBER: ['NONE', 'DECIMAL'],
  BOOLEAN: ['NONE'],
  DATE: ['NONE'],
};

export function addCustomAction(state: FakeState, form: Values): object {
  const name = form.get('name') ?? '';
  if (!/^[a-zA-Z0-9 _-]+$/.test(name)) {
    throw wrong(
      `Invalid action name: ${name}. It can contain only alphabets, numbers, hyphen, underscore and space`,
    );
  }
  const { id: extensionId } = extensionBy(state, form.get('extensionid'));
  if (state.actions.some((each) => each.extensionId === extensionId && each.name === name)) {
    throw failed('Action by name already exists');
  }
  checkResource(form);
  const action: FakeAction = {
    ...{ id: randomUUID(), name, extensionId },
    description: form.get('description') ?? '',
    roles: [...new Set([...rolesOf(form), 'Admin'])],
    timeout: timeoutOf(form) ?? 3,
    enabled: form.get('enabled') === 'true',
    parameters: parametersOf(form),
    details: kept('action', state.release, detailsOf(form, 'details')),
    successMessage: form.get('successmessage'),
    errorMessage: form.get('errormessage'),
  };
  state.actions.push(action);
  return { extensioncustomaction: show(state, action) };
}

/** Admin is not added again here. */
export function updateCustomAction(state: FakeState, form: Values): object {
  const action = actionBy(state, form.get('id'));
  checkResource(form);
  const roles = rolesOf(form);
  const parameters = parametersOf(form);
  const details = detailsOf(form, 'details');
  if ((form.get('description') ?? '') !== '') action.description = form.get('description') ?? '';
  if (roles.length > 0) action.roles = roles;
  action.timeout = timeoutOf(form) ?? action.timeout;
  if (form.has('enabled')) action.enabled = form.get('enabled') === 'true';
  action.successMessage = form.get('successmessage') ?? action.successMessage;
  action.errorMessage = form.get('errormessage') ?? action.errorMessage;
  if (form.get('cleanupparameters') === 'true') action.parameters = [];
  else if (parameters.length > 0) action.parameters = parameters;
  if (form.get('cleanupdetails') === 'true') action.details = {};
  else if (Object.keys(details).length > 0) action.details = details;
  return { extensioncustomaction: show(state, action) };
}

/** The newest comes first. */
export function listCustomActions(state: FakeState, form: Values): object {
  const extensionId = form.get('extensionid');
  const found = state.actions.filter(
    (each) => extensionId === undefined || each.extensionId === extensionId,
  );
  // CloudStack answers with the enabled ones, also when the disabled ones are asked for.
  const filtered = form.has('enabled') ? found.filter(({ enabled }) => enabled) : found;
  return { extensioncustomaction: filtered.map((each) => show(state, each)).reverse() };
}

export function deleteCustomAction(state: FakeState, form: Values): object {
  const action = actionBy(state, form.get('id'));
  state.actions.splice(state.actions.indexOf(action), 1);
  return { success: true };
}

function actionBy(state: FakeState, id: string | undefined): FakeAction {
  const found = state.actions.find((each) => each.id === id);
  if (found === undefined) throw wrong(`Unable to find the custom action ${id}`);
  return found;
}

function checkResource(form: Values): void {
  const type = form.get('resourcetype');
  if (type !== undefined && type.toLowerCase() !== 'virtualmachine') {
    throw wrong(`Invalid resource type specified: ${type}. Valid values are: [VirtualMachine]`);
  }
}

function rolesOf(form: Values): string[] {
  const roles = (form.get('allowedroletypes') ?? '').split(',').filter((role) => role !== '');
  const odd = roles.find((role) => !roleTypes.includes(role));
  if (odd !== undefined) throw wrong(`Invalid role specified - ${odd}`);
  return roles;
}

function timeoutOf(form: Values): number | undefined {
  const text = form.get('timeout');
  if (text === undefined) return undefined;
  if (Number(text) < 0) {
    throw failed(
      "Unable to persist on DB, due to: Data truncation: Out of range value for column 'timeout' at row 1",
    );
  }
  return Number(text);
}

function parametersOf(form: Values): Texts[] {
  return mapsOf(form, 'parameters').map(
    ({
      name = '',
      type = '',
      required = 'false',
      validationformat = 'NONE',
      valueoptions,
      ...rest
    }) => {
      const odd = Object.keys(rest)[0];
      if (odd !== undefined) throw wrong(`A parameter has no "${odd}"`);
      if (name === '') throw wrong('Invalid parameter specified with empty name');
      if (type === '') throw wrong(`No type specified for parameter: ${name}`);
      if (formats[type] === undefined) {
        throw wrong(`Invalid type: ${type} specified for parameter: ${name}`);
      }
      if (!formats[type].includes(validationformat)) {
        throw wrong(`Invalid validation format: ${validationformat} specified for type: ${type}`);
      }
      if (valueoptions !== undefined && (type === 'BOOLEAN' || type === 'DATE')) {
        throw wrong(`Invalid options ${valueoptions} specified for type: ${type}`);
      }
      const shown = { name, type, validationformat, required };
      return valueoptions === undefined ? shown : { ...shown, valueoptions };
    },
  );
}

function show(state: FakeState, action: FakeAction): object {
  const { id, name, description, extensionId, roles, timeout, enabled, details } = action;
  const { successMessage, errorMessage } = action;
  const { created, resourcetype } = genuine.extensioncustomaction;
  return {
    ...{ id, name, description, extensionid: extensionId, resourcetype, created },
    ...(successMessage === undefined ? {} : { successmessage: successMessage }),
    ...(errorMessage === undefined ? {} : { errormessage: errorMessage }),
    extensionname: extensionBy(state, extensionId).name,
    allowedroletypes: roles,
    ...{ timeout, enabled, details },
    parameters: action.parameters.map(({ required, valueoptions, ...rest }) => ({
      ...rest,
      required: required === 'true',
      ...(valueoptions === undefined ? {} : { valueoptions: valueoptions.split(',') }),
    })),
  };
}
