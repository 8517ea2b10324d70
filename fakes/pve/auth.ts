import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ApiError, apiError } from './errors.ts';
import type { Caller } from './rights.ts';
import type { State } from './state.ts';

/** Every refusal takes three seconds, on purpose. */
const refusalMs = 3000;

export function unauthorized(text: string): ApiError {
  return apiError(401, text, { delayMs: refusalMs });
}

/** The part of a request that says who sends it. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  readonly csrf?: string | undefined;
  readonly method: string;
}

/** The caller behind the credentials, or 401 in the real one's words. */
export function authenticate(state: State, shown: Credentials): Caller {
  const token = /^PVEAPIToken[= ](.*)$/s.exec(shown.authorization ?? '')?.[1];
  if (token !== undefined) return byOneText(state, () => byToken(state, token));
  const ticket = /(?:^|;\s*)PVEAuthCookie=([^;]*)/.exec(shown.cookie ?? '')?.[1];
  if (ticket === undefined) throw unauthorized('No ticket');
  return byTicket(state, decoded(ticket), shown);
}

/** Since January 2026 the text is the same for all causes. */
function byOneText(state: State, work: () => Caller): Caller {
  if (state.tellsRefusals) return work();
  try {
    return work();
  } catch {
    throw unauthorized('Authentication failed!');
  }
}

function byToken(state: State, text: string): Caller {
  const [id = '', secret] = decoded(text).split(/=(.*)/s);
  const parts = /^([^!]+)!([A-Za-z][A-Za-z0-9._-]*)$/.exec(id);
  if (parts === null || secret === undefined) throw unauthorized('no tokenid specified');
  const [, user = '', name = ''] = parts;
  const owner = state.users.get(user);
  // One letter is no token name, and the real one says so before it looks for the user.
  if (name.length < 2) {
    throw unauthorized(
      `'${id}' is not a valid token ID - not able to split into user and token parts`,
    );
  }
  if (owner === undefined) throw unauthorized(`no such user ('${user}')`);
  const token = state.tokens.get(id);
  if (token === undefined) throw unauthorized(`no such token '${name}' for user '${user}'`);
  if (!owner.enabled) throw unauthorized(`user '${user}' is disabled`);
  if (expired(state, owner.expire)) throw unauthorized(`user '${user}' access expired`);
  if (expired(state, token.expire)) throw unauthorized(`token '${name}' access expired`);
  if (!equal(secret, token.secret)) throw unauthorized('invalid token value!');
  return { id, user, token };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function expired(state: State, at: number): boolean {
  return at !== 0 && at * 1000 < state.clock.now();
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const key = 'not a secret: the fake signs its own tickets';

function sign(text: string): string {
  return createHmac('sha256', key).update(text).digest('base64');
}

/** The answer to a login by password: a ticket for the cookie and a token against forgery. */
export function login(
  state: State,
  user: string,
  password: string,
): { readonly ticket: string; readonly CSRFPreventionToken: string } {
  const known = state.users.get(user);
  if (known?.password === undefined || known.password !== password || !known.enabled) {
    throw unauthorized('authentication failure');
  }
  const time = Math.floor(state.clock.now() / 1000)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
  const plain = `PVE:${user}:${time}`;
  return {
    ticket: `${plain}::${sign(plain)}`,
    CSRFPreventionToken: `${time}:${sign(`csrf ${user} ${time}`)}`,
  };
}

function byTicket(state: State, ticket: string, shown: Credentials): Caller {
  const [, plain = '', user = '', signature = ''] =
    /^(PVE:([^:]+):[0-9A-F]{8})::(.*)$/s.exec(ticket) ?? [];
  if (plain === '' || !equal(signature, sign(plain)) || !state.users.has(user)) {
    throw unauthorized('permission denied - invalid PVE ticket');
  }
  const [time = '', proof = ''] = (shown.csrf ?? '').split(/:(.*)/s);
  if (shown.method !== 'GET' && !equal(proof, sign(`csrf ${user} ${time}`))) {
    throw unauthorized('Permission denied - invalid csrf token');
  }
  return { id: user, user };
}

/** A ticket for one VM's console, as vncproxy gives it. */
export function vncTicket(state: State, caller: Caller, path: string): string {
  const time = Math.floor(state.clock.now() / 1000)
    .toString(16)
    .toUpperCase();
  return `PVEVNC:${time}::${sign(`vnc ${caller.id} ${path} ${time}`)}`;
}

export function isVncTicket(ticket: string, caller: Caller, path: string): boolean {
  const [, time = '', signature = ''] = /^PVEVNC:([0-9A-F]+)::(.*)$/s.exec(ticket) ?? [];
  return equal(signature, sign(`vnc ${caller.id} ${path} ${time}`));
}
