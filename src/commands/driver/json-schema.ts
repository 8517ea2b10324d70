/*
 * JSON Schema (draft 2020-12) of the schemas that the protocol of drivers is made of. A kind of schema that
 * is not known here is a mistake of ours and throws; a test converts every primitive.
 */

export type Json = Readonly<Record<string, unknown>>;

/** A valibot schema, as far as its converter looks at it. */
interface Node {
  readonly kind: string;
  readonly type: string;
  readonly [member: string]: unknown;
}

/** The schema of an object with these members and no others. */
export function objectSchema(entries: Readonly<Record<string, unknown>>, closed = true): Json {
  const members = Object.entries(entries) as [string, Node][];
  const required = members.filter(([, { type }]) => type !== 'optional').map(([key]) => key);
  return {
    type: 'object',
    properties: Object.fromEntries(members.map(([key, node]) => [key, schemaOf(node)])),
    ...(required.length === 0 ? {} : { required }),
    ...(closed ? { additionalProperties: false } : {}),
  };
}

export function schemaOf(node: Node): Json {
  const { pipe } = node;
  const [first, ...more] = Array.isArray(pipe) ? (pipe as Node[]) : [node];
  if (first === undefined) throw unknown(node);
  const schema = bare(first);
  return Object.assign({ ...schema }, ...more.map((step) => stepOf(step, schema)));
}

function bare(node: Node): Json {
  const convert = kinds[node.type];
  if (convert === undefined) throw unknown(node);
  return convert(node);
}

const kinds: Readonly<Record<string, (node: Node) => Json>> = {
  string: () => ({ type: 'string' }),
  number: () => ({ type: 'number' }),
  boolean: () => ({ type: 'boolean' }),
  null: () => ({ type: 'null' }),
  unknown: () => ({}),
  literal: ({ literal }) => ({ const: literal }),
  picklist: ({ options }) => ({ enum: options }),
  array: ({ item }) => ({ type: 'array', items: schemaOf(item as Node) }),
  record: ({ key, value }) => ({
    type: 'object',
    propertyNames: schemaOf(key as Node),
    additionalProperties: schemaOf(value as Node),
  }),
  union: ({ options }) => ({ anyOf: (options as Node[]).map(schemaOf) }),
  nullable: ({ wrapped }) => ({ anyOf: [schemaOf(wrapped as Node), { type: 'null' }] }),
  optional: ({ wrapped }) => schemaOf(wrapped as Node),
  strict_object: ({ entries }) => objectSchema(entries as Readonly<Record<string, unknown>>),
  loose_object: ({ entries }) => objectSchema(entries as Readonly<Record<string, unknown>>, false),
};

function stepOf(step: Node, { type }: Json): Json {
  const { requirement } = step;
  const size = type === 'array' ? 'Items' : 'Length';
  const steps: Readonly<Record<string, () => Json>> = {
    max_length: () => ({ [`max${size}`]: requirement }),
    min_length: () => ({ [`min${size}`]: requirement }),
    min_value: () => ({ minimum: requirement }),
    max_value: () => ({ maximum: requirement }),
    integer: () => ({ type: 'integer' }),
    regex: () => ({ pattern: (requirement as RegExp).source }),
    iso_timestamp: () => ({ format: 'date-time' }),
    description: () => ({ description: step['description'] }),
  };
  const convert = steps[step.type];
  if (convert === undefined) throw unknown(step);
  return convert();
}

function unknown({ type }: Node): Error {
  return new Error(`the converter to JSON Schema does not know ${type}`);
}
