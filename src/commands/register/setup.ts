import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { Failure } from '../../failure.ts';
import { issueWords, members } from '../../kit/issue-words.ts';
import { parseJson, readText } from '../json.ts';
import { withoutComments } from './init/json-with-comments.ts';
import { placeholdersIn } from './init/placeholders.ts';

/** Details as the file has them; secrets are better named by the file that holds them. */
export type GivenDetails = Readonly<Record<string, string | number | boolean | { file: string }>>;

const roleTypes = ['Admin', 'ResourceAdmin', 'DomainAdmin', 'User'] as const;

const message = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(255, 'must not be longer than 255 characters, which is what CloudStack takes'),
);

const title = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9 _-]{1,255}$/, 'must have letters, digits, blanks, "_" and "-" only'),
);

/** How an operator wants one custom action to differ from what the provider suggests. */
const actionSchema = members({
  name: v.optional(title),
  /** The names of its parameters for people. */
  parameters: v.optional(v.record(v.string(), title)),
  successmessage: v.optional(message),
  errormessage: v.optional(message),
  enabled: v.optional(v.boolean()),
  /** `suggested`: those of the provider, also where an operator has closed it. */
  roles: v.optional(v.union([v.literal('suggested'), v.array(v.picklist(roleTypes))])),
  timeout: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400))),
  details: v.optional(v.record(v.string(), v.string())),
});

export type ActionWish = v.InferOutput<typeof actionSchema>;

function setupSchema() {
  const word = v.pipe(v.string(), v.minLength(1, 'must not be empty'));
  const details = v.record(
    word,
    v.union([v.string(), v.number(), v.boolean(), members({ file: word })]),
  );
  const host = members({ name: word, tags: v.optional(word), details: v.optional(details) });
  const cluster = members({
    name: word,
    arch: v.optional(word),
    details: v.optional(details),
    hosts: v.optional(v.array(host), []),
  });
  const template = members({
    name: word,
    ostype: word,
    description: v.optional(word),
    arch: v.optional(word),
    public: v.optional(v.boolean(), true),
    featured: v.optional(v.boolean(), false),
    details: v.optional(details),
  });
  return members({
    extension: members({
      name: word,
      provider: v.optional(word),
      path: v.optional(word),
      description: v.optional(word),
      details: v.optional(details),
      actions: v.optional(v.record(word, actionSchema), {}),
    }),
    zone: v.optional(word),
    pod: v.optional(word),
    clusters: v.optional(v.array(cluster), []),
    templates: v.optional(v.array(template), []),
  });
}

export type Setup = v.InferOutput<ReturnType<typeof setupSchema>>;

/**
 * The declarative file, checked as a whole; relative names in it count from its directory. A line that
 * begins with two slashes is a comment.
 */
export function readSetup(file: string): Setup {
  const text = readText(file);
  const open = placeholdersIn(text);
  if (open.length > 0) {
    throw new Failure('usage', `${file} is not complete: ${open.join(', ')} is to be replaced`);
  }
  const result = v.safeParse(setupSchema(), parseJson(file, withoutComments(text)));
  if (result.success) return withoutContradictions(file, result.output);
  throw new Failure('usage', `${file} is invalid: ${issueWords(result.issues)}`, {
    advice: 'docs/registering.md shows one',
  });
}

function withoutContradictions(file: string, setup: Setup): Setup {
  const { clusters, templates, zone, pod } = setup;
  const issues = [
    ...twice('cluster', clusters),
    ...twice('template', templates),
    ...twice(
      'host',
      clusters.flatMap(({ hosts }) => hosts),
    ),
    ...(clusters.length > 0 && (zone === undefined || pod === undefined)
      ? ['clusters need "zone" and "pod"']
      : []),
    ...(templates.length > 0 && zone === undefined ? ['templates need "zone"'] : []),
  ];
  if (issues.length === 0) return setup;
  throw new Failure('usage', `${file} contradicts itself: ${issues.join('; ')}`);
}

function twice(what: string, list: readonly { readonly name: string }[]): string[] {
  const names = list.map(({ name }) => name.toLowerCase());
  const again = names.filter((name, at) => names.indexOf(name) !== at);
  return again.map((name) => `${what} "${name}" stands there twice`);
}

/** The details as texts, with the content of the files that are named. */
export function readDetails(given: GivenDetails = {}, besides: string): Record<string, string> {
  const entries = Object.entries(given).map(([key, value]) => [
    key,
    typeof value === 'object' ? readSecret(resolve(dirname(besides), value.file)) : String(value),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** The content of a file without the line break at its end; throws `usage`. */
export function readSecret(file: string): string {
  const text = readText(file).replace(/\r?\n$/, '');
  if (text !== '') return text;
  throw new Failure('usage', `${file} is empty`);
}
