import { Failure } from '../../failure.ts';
import { nearest } from '../../kit/nearest.ts';
import { type DriverTools, driverTools } from '../../providers/index.ts';
import type { CommandCall } from '../command.ts';
import { type Json, objectSchema } from './json-schema.ts';

/** `outrigger driver schema [PRIMITIVE]`: the request and the answers of each primitive. */
export async function printSchema({ positionals, world }: CommandCall): Promise<number> {
  const tools = await driverTools();
  const [, wanted] = positionals;
  const documents = schemas(tools);
  if (wanted === undefined) world.out(JSON.stringify(documents, undefined, 2));
  else world.out(JSON.stringify(one(documents, wanted), undefined, 2));
  return 0;
}

function one(documents: Readonly<Record<string, Json>>, wanted: string): Json {
  const found = Object.hasOwn(documents, wanted) ? documents[wanted] : undefined;
  if (found !== undefined) return found;
  throw unknownPrimitive(wanted, Object.keys(documents));
}

export function unknownPrimitive(wanted: string, names: readonly string[]): Failure {
  const near = nearest(wanted, names);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return new Failure('usage', `There is no primitive "${wanted}"${hint}`, {
    advice: `There are: ${names.join(', ')}`,
  });
}

/** One document for each primitive, by its word on the command line. */
export function schemas(tools: DriverTools): Readonly<Record<string, Json>> {
  const { primitives, error } = tools;
  const protocol = { const: tools.protocolVersion };
  const withProtocol = (schema: Json): Json => ({
    ...schema,
    properties: { protocol, ...(schema['properties'] as Json) },
    required: ['protocol', ...((schema['required'] as readonly string[] | undefined) ?? [])],
  });
  const failure = withProtocol(objectSchema({ error: error() }));
  const documents = Object.entries(primitives).map(([name, { about, request, answer }]) => {
    const given = withProtocol(objectSchema(request(), false));
    const more = name === 'describe' ? deadline : { ...deadline, ...site };
    return [
      name,
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title: name,
        description: about,
        request: { ...given, properties: { ...(given['properties'] as Json), ...more } },
        answer: withProtocol(objectSchema(answer())),
        failure: { ...failure, description: 'In place of the answer, with exit code 1' },
      },
    ] as const;
  });
  return Object.fromEntries(documents);
}

const deadline = {
  deadlineMs: { type: 'integer', description: 'So much time is left before the driver is killed' },
};

const site = {
  installation: { type: 'string', description: 'Which CloudStack asks' },
  settings: {
    type: 'object',
    description: 'Your settings as describe names them, secrets included',
  },
};
