import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Asked, cleaned, tokenOf } from './address.ts';
import { failure, notImplemented, success } from './answers.ts';
import { authenticate } from './auth.ts';
import { take } from './body.ts';
import type { Call, Routes } from './call.ts';
import { type Answer, send } from './http.ts';
import { place } from './place.ts';
import { type Caller, checkDeclared } from './rights.ts';
import type { Found } from './schema.ts';
import type { Node, State } from './state.ts';
import { type Raw, verify } from './verify.ts';

/** A request as it came, for tests to look at. */
export interface Logged {
  readonly node: string;
  readonly method: string;
  /** Decoded, without `/api2/json`. */
  readonly path: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly token?: string;
  /** Which of the node's connections it came on. */
  readonly connection: number;
  status?: number;
  reason?: string;
}

export interface Desk {
  readonly state: State;
  readonly routes: Routes;
  /** Old servers send the error's text only in the status line. */
  readonly messages: boolean;
  readonly latencyMs: number;
  readonly requests: Logged[];
}

/** Serves one request on one node's port. */
export async function dispatch(
  desk: Desk,
  served: Node,
  [request, response]: readonly [IncomingMessage, ServerResponse],
  connection: number,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://cluster');
  const path = cleaned(url.pathname);
  const method = request.method ?? 'GET';
  const logged: Logged = {
    ...{ node: served.name, method, path: path.rest, params: {}, connection },
    ...tokenOf(request),
  };
  desk.requests.push(logged);
  if (served.reach === 'silent') return;
  const faults = desk.state.faults.forRequest({ method, path: path.rest, node: served.name });
  for (const fault of faults) await fault.before?.();
  if (faults.some((fault) => fault.hang === 'before')) return;
  if (faults.some((fault) => fault.cut === 'before')) return void request.socket.destroy();
  const early = faults.find((fault) => fault.answer !== undefined && fault.processed !== true);
  const work = async (): Promise<Answer> =>
    answer(desk, { served, url, path, method }, request, logged);
  const result = early?.answer === undefined ? await work() : injectedAnswer(early.answer);
  for (const fault of faults) await fault.after?.();
  await rest(desk.latencyMs + faults.reduce((sum, { latencyMs = 0 }) => sum + latencyMs, 0));
  if (faults.some((fault) => fault.hang === 'after')) return;
  if (faults.some((fault) => fault.cut === 'after')) return void request.socket.destroy();
  const late = faults.find((fault) => fault.answer !== undefined && fault.processed === true);
  const final = late?.answer === undefined ? result : injectedAnswer(late.answer);
  Object.assign(logged, { status: final.status, reason: final.reason });
  send(request, response, final, desk.state.clock.now());
}

function injectedAnswer({ status, reason, body = '', type }: NonNullable<Fault['answer']>): Answer {
  return { status, reason: reason ?? 'Injected', body, type: type ?? 'text/html' };
}

type Fault = ReturnType<State['faults']['forRequest']>[number];

function rest(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined;
}

async function answer(
  desk: Desk,
  asked: Asked,
  request: IncomingMessage,
  logged: Logged,
): Promise<Answer> {
  let relayed = false;
  try {
    const { raw, files } = await take(asked, request, desk.state.version);
    Object.assign(logged, { params: raw });
    const caller = await recognise(desk.state, asked, request);
    const found = desk.state.api.find(asked.method, asked.path.rest);
    const handler = desk.routes[`${asked.method} ${found?.method.template ?? ''}`];
    if (found === undefined || handler === undefined) throw notImplemented(asked);
    const all = { ...raw, ...found.fromPath };
    if (caller !== nobody) demandAll(desk.state, caller, found, all);
    const node = await place(desk.state, asked.served, found);
    relayed = found.method.protected || (found.method.proxied && node !== asked.served);
    const params = verify(found.method.parameters, all);
    const call: Call = {
      ...{ state: desk.state, caller, node, served: asked.served, params, files },
    };
    const data = (await handler(call)) ?? null;
    const closes = /\/upload$/.test(asked.path.rest);
    return { ...success(asked, data, relayed), ...(closes ? { closes } : {}) };
  } catch (error) {
    return failure(desk, asked, error);
  }
}

const nobody: Caller = { id: '', user: '' };

async function recognise(state: State, asked: Asked, request: IncomingMessage): Promise<Caller> {
  const found = state.api.find(asked.method, asked.path.rest);
  if (found?.method.user === 'world') return nobody;
  return authenticate(state, {
    authorization: request.headers.authorization,
    cookie: request.headers.cookie,
    csrf: [request.headers['csrfpreventiontoken']].flat()[0],
    method: asked.method,
  });
}

function demandAll(state: State, caller: Caller, found: Found, params: Raw): void {
  if (found.method.check !== undefined) checkDeclared(state, caller, found.method.check, params);
}
