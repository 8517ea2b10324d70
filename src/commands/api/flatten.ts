import type { Form } from './signature.ts';

export type Texts = Readonly<Record<string, string>>;

/** What a parameter may be: a value, a list of words, a map of details, or a list of such maps. */
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
