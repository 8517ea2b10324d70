import { described, hasCome } from './genuine/index.ts';
import { type Refusal, unfit } from './refusal.ts';

/** The releases that the fake can be. */
export type FakeRelease = '4.21.0.0' | '4.22.0.0' | '4.22.1.0' | '4.23.0.0' | '24.0.0.0';

const everyCalls = ['command', 'response', 'apikey', 'signature', 'signatureversion', 'expires'];

export type Values = ReadonlyMap<string, string>;

/**
 * Refuses what listApis of the release does not describe.
 *
 * A genuine CloudStack ignores parameters that it does not know: this is stricter on purpose.
 */
export function checkParameters(command: string, form: Values, release: FakeRelease): void {
  const known = described.get(command);
  if (known === undefined || !hasCome(known.since, release)) throw unknownCommand();
  const parameterOf = (name: string) => {
    const found = known.parameters.get(name);
    return found !== undefined && hasCome(found.since, release) ? found : undefined;
  };
  for (const [name, { required }] of known.parameters) {
    if (required && (form.get(name) ?? '') === '') {
      throw unfit(
        `Unable to execute API command ${command.toLowerCase()} due to missing parameter ${name}`,
      );
    }
  }
  for (const [name, value] of form) {
    if (everyCalls.includes(name)) continue;
    const map = /^([a-z]+)\[\d+\]\.(.+)$/.exec(name)?.[1];
    const parameter = parameterOf(map ?? name);
    if (parameter === undefined || (parameter.type === 'map') !== (map !== undefined)) {
      throw { code: 430, text: `${command} has no parameter ${name}` } satisfies Refusal;
    }
    if (parameter.type === 'string' && value.length > parameter.length) {
      throw invalid(command, `Value greater than max allowed length ${parameter.length}`, name);
    }
    checkType(command, name, parameter.type, value);
  }
}

function checkType(command: string, name: string, type: string, value: string): void {
  const fits =
    type === 'boolean'
      ? /^(true|false)$/i.test(value)
      : !['integer', 'long'].includes(type) || /^-?\d+$/.test(value);
  if (!fits) throw invalid(command, `Invalid parameter ${name} value=${value}`, name);
}

function invalid(command: string, why: string, name: string): Refusal {
  return unfit(
    `Unable to execute API command ${command.toLowerCase()} due to invalid value. ${why} for param: ${name}`,
  );
}

/** A command that does not exist is answered like a wrong signature. */
export function unknownCommand(): Refusal {
  return {
    ...{ code: 401, envelope: 'errorresponse' },
    text: 'unable to verify user credentials and/or request signature',
  };
}

/** The entries of `name[i]`, by their index. */
export function mapsOf(form: Values, wanted: string): Record<string, string>[] {
  const maps = new Map<string, Record<string, string>>();
  for (const [name, value] of form) {
    const [, map, index = '', key = ''] = /^([a-z]+)\[(\d+)\]\.(.+)$/.exec(name) ?? [];
    if (map !== wanted) continue;
    maps.set(index, { ...maps.get(index), [key]: value });
  }
  return [...maps.values()];
}

/** All entries of a map of details as one. */
export function detailsOf(form: Values, name: string): Record<string, string> {
  return Object.assign({}, ...mapsOf(form, name)) as Record<string, string>;
}
