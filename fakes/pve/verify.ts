import { badParameters } from './errors.ts';
import { formatComplaint } from './formats.ts';
import type { Property } from './schema.ts';

/** The parameters of a request, from query, form or JSON. */
export type Raw = Record<string, unknown>;

/** Parameters after they were checked: texts, and lists where the API wants a list. */
export type Params = Record<string, string>;

const unknown =
  'property is not defined in schema and the schema does not allow additional properties';
const missing = 'property is missing and it is not optional';

/** Checks all parameters as PVE::JSONSchema does; 400 names every one that is wrong. */
export function verify(properties: Readonly<Record<string, Property>>, raw: Raw): Params {
  const errors: Record<string, string> = {};
  const params: Params = {};
  for (const [key, value] of Object.entries(raw)) {
    const property = properties[key];
    if (property === undefined) {
      errors[key] = unknown;
      continue;
    }
    const text = toText(property, value);
    const complaint = propertyComplaint(property, key, text, value);
    if (complaint !== undefined) errors[key] = complaint;
    params[key] = text;
  }
  for (const [key, property] of Object.entries(properties)) {
    if (property.optional !== 1 && !(key in raw)) errors[key] = missing;
  }
  if (Object.keys(errors).length > 0) badParameters(errors);
  return params;
}

function toText(property: Property, value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (Array.isArray(value)) return value.join(property.type === 'array' ? '\0' : ',');
  return String(value ?? '');
}

function propertyComplaint(
  property: Property,
  path: string,
  text: string,
  value: unknown,
): string | undefined {
  if (property.type === 'array') return undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return "type check ('string') failed - got HASH";
  }
  return scalarComplaint(property, path, text);
}

const types: Record<string, RegExp> = {
  integer: /^[+-]?\d+$/,
  number: /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/,
  boolean: /^[01]$/,
};

/** The complaint about one value; `path` names it inside a list, such as `net0.model`. */
function scalarComplaint(property: Property, path: string, text: string): string | undefined {
  const { type = 'string', format } = property;
  const typed = types[type];
  if (typed !== undefined && !typed.test(text))
    return `type check ('${type}') failed - got '${text}'`;
  if (typeof format === 'string') {
    const complaint = formatComplaint(format, text);
    if (complaint !== undefined) return `invalid format - ${complaint}\n`;
  } else if (format !== undefined) {
    const complaint = listComplaint(format, path, text);
    if (complaint !== undefined) return `invalid format - ${complaint}\n`;
  }
  return type === 'integer' || type === 'number'
    ? rangeComplaint(property, Number(text))
    : textComplaint(property, text);
}

function rangeComplaint(
  { minimum, maximum, enum: allowed }: Property,
  value: number,
): string | undefined {
  if (minimum !== undefined && value < Number(minimum)) {
    return `value must have a minimum value of ${minimum}`;
  }
  if (maximum !== undefined && value > Number(maximum)) {
    return `value must have a maximum value of ${maximum}`;
  }
  return allowed === undefined ? undefined : enumComplaint(allowed, String(value));
}

function textComplaint(property: Property, text: string): string | undefined {
  const { maxLength, minLength, pattern, enum: allowed } = property;
  if (minLength !== undefined && text.length < minLength) {
    return `value must be at least ${minLength} characters long`;
  }
  if (maxLength !== undefined && text.length > maxLength) {
    return `value may only be ${maxLength} characters long`;
  }
  if (pattern !== undefined && !perl(pattern).test(text)) {
    return 'value does not match the regex pattern';
  }
  return allowed === undefined ? undefined : enumComplaint(allowed, text);
}

function enumComplaint(allowed: readonly string[], text: string): string | undefined {
  if (allowed.includes(text)) return undefined;
  return `value '${text}' does not have a value in the enumeration '${allowed.join(', ')}'`;
}

/** Perl writes `(?^:…)` for a quoted pattern and allows `{,16}`. */
function perl(pattern: string): RegExp {
  const own = pattern.replace(/\(\?\^[a-z]*:/g, '(?:').replace(/\{,(\d+)\}/g, '{0,$1}');
  return new RegExp(`^(?:${own})$`, own.includes('\\p{') ? 'u' : '');
}

/** Complaints about the parts of `key=value,key=value`, joined as the real one joins them. */
function listComplaint(
  format: Readonly<Record<string, Property>>,
  path: string,
  text: string,
): string | undefined {
  const seen = new Set<string>();
  const errors: string[] = [];
  const defaultKey = Object.keys(format).find((key) => format[key]?.default_key === 1);
  for (const part of text.split(',')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const named = at < 0 ? defaultKey : part.slice(0, at);
    if (named === undefined || (at < 0 && seen.has(named))) {
      return 'missing key in comma-separated list property';
    }
    const value = part.slice(at + 1);
    errors.push(...partComplaints(format, path, named, value, seen));
  }
  for (const [key, property] of Object.entries(format)) {
    const needed = property.optional !== 1 && property.alias === undefined;
    if (needed && !seen.has(key)) errors.push(`${path}.${key}: ${missing}`);
  }
  return errors.length === 0 ? undefined : `format error\n${errors.join('\n')}`;
}

function partComplaints(
  format: Readonly<Record<string, Property>>,
  path: string,
  named: string,
  value: string,
  seen: Set<string>,
): string[] {
  const property = format[named];
  if (property === undefined) {
    seen.add(named);
    return [`${path}.${named}: ${unknown}`];
  }
  const key = property.alias ?? named;
  if (property.keyAlias !== undefined) seen.add(property.keyAlias);
  seen.add(key);
  const meant = property.alias === undefined ? property : format[key];
  const complaint =
    meant === undefined ? undefined : scalarComplaint(meant, `${path}.${key}`, value);
  return complaint === undefined ? [] : [`${path}.${key}: ${complaint}`];
}
