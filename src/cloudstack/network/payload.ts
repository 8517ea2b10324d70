import { Failure } from '../../failure.ts';
import type { Details } from '../payload.ts';
import { registrationKey } from './call.ts';

/** A payload of CloudStack's network half; custom actions come without an envelope. */
export interface NetworkPayload {
  /** Details of the registration with the physical network, hidden ones too. */
  readonly registration: Details;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Values that are no texts are left out, as CloudStack sends none. */
export function readEnvelope(raw: Readonly<Record<string, unknown>>): NetworkPayload {
  const given = raw[registrationKey];
  if (!isObject(given)) throw broken(`"${registrationKey}" must be an object`);
  const texts = Object.entries(given).filter(([, value]) => typeof value === 'string');
  const registration = Object.fromEntries(texts) as Details;
  if (raw['payload'] === undefined) return { registration, fields: raw };
  if (!isObject(raw['payload'])) throw broken('"payload" must be an object');
  return { registration, fields: raw['payload'] };
}

export function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

function broken(what: string): Failure {
  return new Failure('usage', `The payload is no network command's: ${what}`);
}
