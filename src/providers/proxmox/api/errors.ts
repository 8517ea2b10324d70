import { expectFailure, Failure, type FailureOptions } from '../../../failure.ts';
import type { Reply } from '../../../kit/http/reply.ts';
import { failureOfText } from './error-catalogue.ts';
import { type Json, recordOf, textOf } from './wire.ts';

/** The attempt, for texts: `what` completes "Could not ...". */
export interface Tried {
  readonly what: string;
  /** `user@realm!name` */
  readonly token: string;
}

interface RemoteError {
  readonly text: string;
  readonly errors: Json;
}

/** The failure behind an answer that is no success. */
export function failureOf(reply: Reply, tried: Tried): Failure {
  const { status, endpoint } = reply;
  const { text, errors } = remoteErrorOf(reply);
  if (status === 401) return refusedToken(text, endpoint, tried);
  if (status === 403) return missingRight(text, tried);
  if (status === 400) return badParameters({ text, errors }, tried);
  if (status === 595) return unreachableNode(text, tried);
  if (status === 500) return failureOfText(text, tried, status);
  return fail('upstream', tried, `${status} ${text}`, { remote: { status, message: text } });
}

/** The whole text is in `message`, or before January 2025 only its first line in the status line. */
function remoteErrorOf(reply: Reply): RemoteError {
  const { message, errors } = recordOf(bodyOf(reply));
  return { text: (textOf(message) ?? reply.reason).trim(), errors: recordOf(errors) };
}

/** Some errors come without a body, and a proxy's with a page of HTML. */
function bodyOf(reply: Reply): unknown {
  try {
    return reply.json();
  } catch (thrown) {
    expectFailure(thrown);
    return undefined;
  }
}

function fail(
  kind: Failure['kind'],
  { what }: Tried,
  text: string,
  options: FailureOptions,
): Failure {
  return new Failure(kind, `Could not ${what}: ${text}`, options);
}

/** Why a token is refused, and the command that mends it; releases since January 2026 do not tell. */
const refusals: readonly (readonly [text: RegExp, why: string, command?: string])[] = [
  [/invalid token value/, 'its secret is a wrong one'],
  [/^user .* access expired/, 'its user has expired', 'pveum user modify USER --expire 0'],
  [/^user .* is disabled/, 'its user is disabled', 'pveum user modify USER --enable 1'],
  [/access expired/, 'it has expired', 'pveum user token modify USER NAME --expire 0'],
  [/no such (token|user)/, 'there is no such token'],
];

/** All of these take three seconds, and every other call will meet the same. */
function refusedToken(text: string, endpoint: string, { token }: Tried): Failure {
  const [user = '', name = ''] = token.split('!').map(shell);
  const [, why, command] = refusals.find(([pattern]) => pattern.test(text)) ?? [];
  return new Failure('denied', `${endpoint} refused the API token ${token}: ${why ?? text}`, {
    outage: true,
    advice:
      command === undefined
        ? causesOf(user, name, why)
        : `On a node: ${command.replace('USER', user).replace('NAME', name)}`,
    remote: { status: 401, message: text },
  });
}

function causesOf(user: string, name: string, why: string | undefined): string {
  const compare = `Compare user, token and secret with the cluster (pveum user token list ${user}), on every management server`;
  if (why !== undefined) return compare;
  return `Proxmox VE does not say which of these it is. On a node: \`pveum user list\` shows whether ${user} is there, enabled and not expired; \`pveum user token list ${user}\` shows whether there is a token ${name} and when it expires. If all of that is right, the secret is a wrong one`;
}

const right = /^Permission check failed \((\/[^,]*), ([^)]*)\)/;

function missingRight(text: string, tried: Tried): Failure {
  const [, path, names] = right.exec(text) ?? [];
  const tag = /for modifying tag/.test(text);
  const vnet = /^\/sdn\/zones\/localnetwork\/(or[a-z0-9]{6})$/.exec(path ?? '')?.[1];
  return fail('denied', tried, `the token ${tried.token} lacks a right: ${text}`, {
    advice: tag
      ? 'The cluster does not let it write this tag: see user-tag-access and registered-tags in the datacenter options'
      : vnet !== undefined
        ? `The vnet ${vnet} is gone, and its NICs cannot be changed without it: restart the network in CloudStack, which makes it again`
        : path === undefined
          ? 'Compare its rights with those that `outrigger doctor` asks for'
          : `It needs ${names} on ${path}: pveum acl modify ${path} --tokens ${shell(tried.token)} --roles ROLE, and the same for its user`,
    remote: { status: 403, message: text },
  });
}

function shell(text: string): string {
  return `'${text}'`;
}

function badParameters({ text, errors }: RemoteError, tried: Tried): Failure {
  const named = Object.entries(errors).map(([key, error]) => `${key}: ${String(error).trim()}`);
  return fail('upstream', tried, named.length === 0 ? text : named.join('; '), {
    remote: { status: 400, message: text, errors },
  });
}

/** Another node of the cluster that the one we talk to cannot reach. */
function unreachableNode(text: string, tried: Tried): Failure {
  return fail('unreachable', tried, `the node does not answer (${text})`, {
    outage: false,
    advice: 'Is the node up? Nothing is known of its machines until then',
    remote: { status: 595, message: text },
  });
}
