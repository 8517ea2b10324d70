import { createHmac } from 'node:crypto';

export type Texts = Readonly<Record<string, string>>;

/** A parameter: a value, a list of words, a map of details, or a list of such maps. */
export type Parameter = string | number | boolean | readonly string[] | Texts | readonly Texts[];

export type Parameters = Readonly<Record<string, Parameter>>;

/**
 * The parameters as CloudStack spells them: `details[0].key=value`, lists with commas; of an empty
 * map nothing is left.
 */
export function flatten(parameters: Parameters): Form {
  const form: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value !== 'object') form[name] = String(value);
    else if (isWords(value)) form[name] = value.join(',');
    else {
      const maps = Array.isArray(value) ? (value as readonly Texts[]) : [value as Texts];
      maps.forEach((map, at) => {
        for (const [key, text] of Object.entries(map)) form[`${name}[${at}].${key}`] = text;
      });
    }
  }
  return form;
}

function isWords(value: object): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** The key pair of a CloudStack user. */
export interface KeyPair {
  readonly apiKey: string;
  readonly secretKey: string;
}

export type Form = Readonly<Record<string, string>>;

/**
 * The parameters of a call with everything that proves who sends it.
 *
 * Signature version 3 carries the time at which it ends, so that a copied call cannot be repeated later.
 */
export function signed(parameters: Form, { apiKey, secretKey }: KeyPair, expires: Date): Form {
  const form: Form = {
    ...parameters,
    apikey: apiKey,
    signatureversion: '3',
    expires: withOffset(expires),
  };
  return {
    ...form,
    signature: createHmac('sha1', secretKey).update(toSign(form)).digest('base64'),
  };
}

/** Sorted as the server sorts, names as they are, values encoded as Java does, all in small letters. */
function toSign(form: Form): string {
  return Object.keys(form)
    .sort()
    .map((name) => `${name}=${encodeAsJava(form[name] ?? '')}`)
    .join('&')
    .toLowerCase();
}

/** Java's URLEncoder leaves fewer characters alone than JavaScript does. */
function encodeAsJava(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()~]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `2026-11-24T10:30:00+0000`. */
function withOffset(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, '+0000');
}
