import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { Failure } from '../failure.ts';
import { whyUnreadable } from '../kit/secrets.ts';
import { scalar } from './scalars.ts';

const mostBytes = 8 * 1024 * 1024;

/** Far more than a real payload has, and few enough to check each. */
const mostDetails = 10_000;

/** Details as CloudStack stores them: all values are texts. */
export type Details = Readonly<Record<string, string>>;

/** The checked parts of a payload that every action has; instance.ts reads the instance. */
export interface Payload {
  readonly externaldetails: {
    readonly extension: Details;
    readonly resourcemap: Details;
    readonly host: Details;
    readonly virtualmachine: Details;
    readonly action: Details;
  };
  /** Custom actions only: it tells a custom `delete` from CloudStack's own. */
  readonly action?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly caller?: { readonly name: string; readonly roletype: string };
  readonly virtualmachineid?: unknown;
  readonly virtualmachinename?: unknown;
  readonly 'cloudstack.vm.details'?: unknown;
}

/** The payload file as a JSON object, not yet checked; throws `usage`. */
export function readPayloadFile(file: string): Readonly<Record<string, unknown>> {
  const text = readText(file);
  const fail = (what: string, cause?: unknown): Failure =>
    new Failure('usage', `The payload file ${file} ${what}`, { cause });
  if (text.trim() === '') throw fail('is empty');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // The parser quotes the payload in its message, and payloads hold secrets.
    throw fail('is not JSON', error instanceof SyntaxError ? undefined : error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw fail('does not hold a JSON object');
  }
  return parsed as Record<string, unknown>;
}

/** The issues in the operator's words, and the top-level keys that hold them. */
interface Broken {
  readonly issues: readonly string[];
  readonly broken: ReadonlySet<unknown>;
}

/** The payload with its details as texts, or all mistakes in it. */
export function parsePayload(
  raw: Readonly<Record<string, unknown>>,
): { readonly payload: Payload } | Broken {
  const { success, output, issues = [] } = v.safeParse(payloadSchema(), raw);
  if (success) return { payload: output as Payload };
  const broken = new Set(issues.map(({ path }) => path?.[0].key));
  return { issues: issues.map(describeIssue), broken };
}

/** `payload key "a.b[0].c" must be ...`. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = (issue.path ?? []).map(({ key }) => key);
  const where = path.reduce<string>(
    (text, key) =>
      typeof key === 'number'
        ? `${text}[${key}]`
        : text === ''
          ? `${String(key)}`
          : `${text}.${String(key)}`,
    '',
  );
  if (issue.input === undefined) return `the payload has no "${where}"`;
  return `payload key "${where}" ${issue.message}`;
}

/** A flat map of texts; absent and null are empty, null entries are dropped. */
export function detailsMap() {
  const map = v.pipe(
    plainObject('must be a map of texts'),
    v.check((given) => Object.keys(given).length <= mostDetails, 'must not have so many entries'),
    v.record(v.string(), v.nullish(scalar())),
    v.transform(
      (given) =>
        Object.fromEntries(
          Object.entries(given).filter(([, value]) => typeof value === 'string'),
        ) as Details,
    ),
  );
  return v.nullish(map, {});
}

/** A JSON object; valibot would take a list for one as well. */
function plainObject(complaint: string) {
  return v.custom<Record<string, unknown>>(
    (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
    complaint,
  );
}

function payloadSchema() {
  const map = detailsMap();
  const details = { extension: map, resourcemap: map, host: map, virtualmachine: map, action: map };
  const who = { name: v.optional(scalar(), ''), roletype: v.optional(scalar(), 'User') };
  return v.object({
    externaldetails: v.nullish(v.pipe(plainObject('must be an object'), v.object(details)), {}),
    action: v.optional(v.string('must be a text')),
    parameters: v.nullish(plainObject('must be a map'), {}),
    // Checked by instance.ts.
    virtualmachineid: v.optional(v.unknown()),
    virtualmachinename: v.optional(v.unknown()),
    'cloudstack.vm.details': v.optional(v.unknown()),
    caller: v.optional(v.pipe(plainObject('must be an object'), v.object(who))),
  });
}

function readText(file: string): string {
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a pipe in the file's place would block this process.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(file, error);
  }
  try {
    const found = fstatSync(fd);
    if (!found.isFile())
      throw new Failure('usage', `The payload file ${file} is not a regular file`);
    if (found.size > mostBytes) {
      const size = `is ${found.size} bytes long; no payload has more than ${mostBytes}`;
      throw new Failure('usage', `The payload file ${file} ${size}`);
    }
    return readFileSync(fd, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    throw error instanceof Failure ? error : unreadable(file, error);
  } finally {
    closeSync(fd);
  }
}

function unreadable(file: string, error: unknown): Failure {
  const what = `Cannot read the payload file ${file}: ${whyUnreadable(error)}`;
  return new Failure('usage', what, { cause: error });
}
