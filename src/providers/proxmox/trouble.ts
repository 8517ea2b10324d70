import { Failure, type FailureOptions } from '../../failure.ts';
import type { Reply } from '../../kit/http/reply.ts';
import { meanings } from './meanings.ts';

/** What was tried, for texts: `what` completes "Could not ...". */
export interface Tried {
  readonly what: string;
  /** `user@realm!name` */
  readonly token: string;
}

interface Said {
  readonly text: string;
  readonly errors: Readonly<Record<string, string>>;
}

/** The failure behind an answer that is no success. */
export function failureOf(reply: Reply, tried: Tried): Failure {
  const said = textOf(reply);
  if (reply.status === 401) return refusedToken(said.text, reply.endpoint, tried);
  if (reply.status === 403) return missingRight(said.text, tried);
  if (reply.status === 400) return badParameters(said, tried);
  if (reply.status === 595) return unreachableNode(said.text, tried);
  if (reply.status === 500) return failureOfText(said.text, tried, 500);
  return fail('upstream', tried, `${reply.status} ${said.text}`, {
    facts: factsOf(reply.status, said.text),
  });
}

/** The whole text is in `message`, or before January 2025 only its first line in the status line. */
function textOf(reply: Reply): Said {
  let body: unknown;
  try {
    body = reply.text.startsWith('{') ? reply.json() : undefined;
  } catch {
    body = undefined;
  }
  const { message, errors } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const text = typeof message === 'string' && message.trim() !== '' ? message : reply.reason;
  return {
    text: text.trim(),
    errors: typeof errors === 'object' && errors !== null ? (errors as Record<string, string>) : {},
  };
}

function factsOf(status: number, text: string): FailureOptions['facts'] & object {
  return { status, text };
}

function fail(
  kind: Failure['kind'],
  { what }: Pick<Tried, 'what'>,
  said: string,
  options: FailureOptions,
): Failure {
  return new Failure(kind, `Could not ${what}: ${said}`, options);
}

/** All of these take three seconds, and every other call will meet the same. */
function refusedToken(text: string, endpoint: string, tried: Tried): Failure {
  const expired = /access expired/.test(text);
  const why = /invalid token value/.test(text)
    ? 'its secret is a wrong one'
    : expired
      ? 'it has expired'
      : /no such token|no such user/.test(text)
        ? 'there is no such token'
        : text;
  return new Failure('denied', `${endpoint} refused the API token ${tried.token}: ${why}`, {
    outage: true,
    advice: expired
      ? `On a node: pveum user token modify ${shell(tried.token)} --expire 0, or make a new token`
      : 'Compare user, token and secret with the cluster (pveum user token list), on every management server',
    facts: factsOf(401, text),
  });
}

const right = /^Permission check failed \((\/[^,]*), ([^)]*)\)/;

function missingRight(text: string, tried: Tried): Failure {
  const [, path, names] = right.exec(text) ?? [];
  const tag = /for modifying tag/.test(text);
  return fail('denied', tried, `the token ${tried.token} lacks a right: ${text}`, {
    advice: tag
      ? 'The cluster does not let it write this tag: see user-tag-access and registered-tags in the datacenter options'
      : path === undefined
        ? 'Compare its rights with those that `outrigger doctor` asks for'
        : `It needs ${names} on ${path}: pveum acl modify ${path} --tokens ${shell(tried.token)} --roles ROLE, and the same for its user`,
    facts: factsOf(403, text),
  });
}

function shell(text: string): string {
  return `'${text}'`;
}

function badParameters({ text, errors }: Said, tried: Tried): Failure {
  const named = Object.entries(errors).map(([key, error]) => `${key}: ${String(error).trim()}`);
  return fail('upstream', tried, named.length === 0 ? text : named.join('; '), {
    facts: { ...factsOf(400, text), errors },
  });
}

/** Another node of the cluster that the one we talk to cannot reach. */
function unreachableNode(text: string, tried: Tried): Failure {
  return fail('unreachable', tried, `the node does not answer (${text})`, {
    outage: false,
    advice: 'Is the node up? Nothing is known of its machines until then',
    facts: factsOf(595, text),
  });
}

/** The failure behind a text of Proxmox VE: of an answer, or the end of a task. */
export function failureOfText(text: string, tried: Pick<Tried, 'what'>, status?: number): Failure {
  const [, kind, advice, tenant] = meanings.find(([pattern]) => pattern.test(text)) ?? [];
  return fail(kind ?? 'upstream', tried, text, {
    facts: { ...(status === undefined ? { exit: text } : factsOf(status, text)) },
    ...(advice === undefined ? {} : { advice }),
    ...(tenant === undefined ? {} : { tenant }),
  });
}
