import * as v from 'valibot';
import type { Action, Parameter } from '../../../contract/action.ts';
import { adminOnly, everyone } from '../../../contract/action.ts';
import type { Field, Fields } from '../../../contract/field.ts';
import { list, longText, oneOf, text, wholeNumber, yesNo } from '../../../kit/fields.ts';
import type {
  Description,
  SaidAction,
  SaidBlueprintField,
  SaidField,
} from '../protocol/description.ts';

/* Turns the fields that a driver describes into those of a provider. */

export function fieldsOf(said: Description['settings'] = {}): Fields {
  return Object.fromEntries(Object.entries(said).map(([key, field]) => [key, fieldOf(field)]));
}

export function blueprintOf(said: Description['blueprint'] = {}): Fields {
  const entries = Object.entries(said).map(([key, field]) => [key, limited(field)] as const);
  return Object.fromEntries(entries);
}

function limited(field: SaidBlueprintField): Field {
  const { within, ...rest } = field;
  return { ...fieldOf(rest), ...(within === undefined ? {} : { within }) };
}

function fieldOf(said: SaidField): Field {
  const { about, required, unit, example, secret } = said;
  const { default: value } = said;
  return {
    about,
    schema: schemaOf(said),
    ...(required === true ? { required } : {}),
    ...(value === undefined ? {} : { default: value }),
    ...(unit === undefined ? {} : { unit }),
    ...(example === undefined ? {} : { example }),
    ...(secret === true ? { secret } : {}),
  };
}

function schemaOf(said: SaidField): Field['schema'] {
  const { type = 'text', allowed, pattern, wants = 'as the driver wants it', min, max } = said;
  const range = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  const length = max === undefined ? {} : { most: max };
  const form = pattern === undefined ? {} : { pattern: whole(pattern), wants };
  if (allowed !== undefined) return oneOf(...allowed);
  if (type === 'number') return wholeNumber(range);
  if (type === 'boolean') return yesNo;
  if (type === 'long-text') return longText(max ?? 32_768);
  if (type === 'list') return list({ ...length, ...form });
  return text({ ...length, ...form });
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'u');
}

export function actionsOf(said: Description['actions'] = {}): Readonly<Record<string, Action>> {
  return Object.fromEntries(Object.entries(said).map(([name, one]) => [name, actionOf(one)]));
}

function actionOf(said: SaidAction): Action {
  const { about, succeeded = 'It was done', failed = 'It was not done' } = said;
  const { effect = 'changes', wants = 'built', roles = 'admin', timeoutSeconds = 60 } = said;
  const { destroysData = false, usesBlueprint = false, parameters = {} } = said;
  return {
    ...{ about, succeeded, failed, effect, wants, timeoutSeconds },
    roles: roles === 'everyone' ? everyone : adminOnly,
    ...(destroysData ? { destroysData } : {}),
    ...(usesBlueprint ? { usesBlueprint } : {}),
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, one]) => [key, parameterOf(one)]),
    ),
  };
}

const parameterTypes = { number: 'NUMBER', boolean: 'BOOLEAN' } as const;

function parameterOf(said: SaidField): Parameter {
  const { type = 'text', allowed, secret } = said;
  return {
    ...fieldOf(said),
    type: type === 'number' || type === 'boolean' ? parameterTypes[type] : 'STRING',
    ...(allowed === undefined ? {} : { options: allowed }),
    ...(secret === true ? { format: 'PASSWORD' as const } : {}),
  };
}

/** The mistakes that no schema shows: a pattern that is none, a default that its own field refuses. */
export function fieldIssues(place: string, said: Readonly<Record<string, SaidField>>): string[] {
  return Object.entries(said).flatMap(([key, field]) => {
    const at = `"${place}.${key}"`;
    const { pattern, allowed = [] } = field;
    if (pattern !== undefined && !isPattern(pattern)) return [`${at} has a pattern that is none`];
    if (allowed.some((word) => word !== word.toLowerCase())) {
      return [`${at} allows words with capitals: operators write them in any case`];
    }
    if (field.default === undefined) return [];
    const result = v.safeParse(fieldOf(field).schema(), field.default);
    return result.success ? [] : [`${at} has a default that ${result.issues[0].message}`];
  });
}

function isPattern(pattern: string): boolean {
  try {
    return whole(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}
