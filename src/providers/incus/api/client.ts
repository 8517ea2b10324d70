import * as v from 'valibot';
import type { Context, Deadline } from '../../../contract/context.ts';
import { Failure, type FailureKind, isKind } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { createHttp } from '../../../kit/http/client.ts';
import type { Reply } from '../../../kit/http/reply.ts';
import type { Method } from '../../../kit/http/request.ts';
import { tlsOf } from '../../../lifecycle/shared-settings.ts';
import type { Settings } from '../settings.ts';
import { type Operation, operationSchema } from './wire.ts';

export interface Ask {
  /** Completes "Could not ..." in a failure, such as `start i-2-42-VM`. */
  readonly what: string;
  /** Ends the waiting, also while changes are taken back. */
  readonly deadline: Deadline;
  readonly query?: Pairs;
  readonly json?: unknown;
  /** Fails with 412 when the object has been changed since it was read under this ETag. */
  readonly etag?: string | undefined;
}

/** The server's answer to a request that reads or changes one thing. */
export interface Answer {
  readonly metadata: unknown;
  readonly etag: string | undefined;
}

/** Incus over HTTPS for one call; what takes the server time is waited for. */
export interface Client {
  send(method: Method, path: string, ask: Ask): Promise<Answer>;
  close(): void;
}

export function createClient(settings: Settings, { deadline, log, suspect }: Context): Client {
  const { url, project, client_cert_file: cert, client_key: key } = settings;
  const tls = { ...tlsOf(settings), client: { cert, key } };
  const http = createHttp({ title: 'Incus', endpoints: [url], tls, deadline, log, suspect });

  const once = async (method: Method, path: string, ask: Ask): Promise<Reply> => {
    const { what, query, etag, ...content } = ask;
    const reply = await http.request(method, path, {
      ...content,
      query: { project, ...query },
      ...(etag === undefined ? {} : { headers: { 'if-match': etag } }),
    });
    if (reply.status >= 300) throw failureOf(reply, ask);
    return reply;
  };

  /** `undefined` where the server says nothing of the task: only its errors have no metadata. */
  const taskIn = async (path: string, ask: Ask): Promise<Operation | undefined> => {
    const metadata = await once('GET', path, ask).then(metadataOf, (thrown: unknown) => {
      if (!isGone(thrown)) throw thrown;
    });
    return metadata === undefined || metadata === null
      ? undefined
      : read(operationSchema(), metadata);
  };

  const waitFor = async (id: string, { what, deadline }: Ask): Promise<Answer> => {
    for (;;) {
      const query = {
        timeout: Math.max(1, Math.min(10, Math.floor(deadline.remainingMs() / 1000))),
      };
      const ask = { what: `wait for the end of: ${what}`, deadline };
      const { status_code: code, err } =
        (await taskIn(`/1.0/operations/${id}/wait`, { ...ask, query })) ??
        // Incus has one form for a task that failed and for one that goes on when the wait is over.
        (await taskIn(`/1.0/operations/${id}`, ask)) ??
        forgotten(what);
      if (code === 200) return { metadata: undefined, etag: undefined };
      if (code >= 400) throw operationFailure(what, err);
      if (deadline.remainingMs() === 0) throw deadline.failure(what);
    }
  };

  return {
    close: http.close,
    async send(method, path, ask) {
      const reply = await once(method, path, ask);
      if (reply.status !== 202) return { metadata: metadataOf(reply), etag: reply.header('etag') };
      return waitFor(read(operationSchema(), metadataOf(reply)).id, ask);
    },
  };
}

/** Whether the thing itself is gone, and not the API: an answer without the API's own form is `config`. */
export function isGone(thrown: unknown): boolean {
  return isKind(thrown, 'not-found');
}

export function read<S extends v.GenericSchema>(schema: S, json: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const where = v.getDotPath(result.issues[0]) ?? 'the answer';
  throw new Failure('upstream', `Incus sent something unexpected at ${where}`);
}

function metadataOf(reply: Reply): unknown {
  return read(v.object({ metadata: v.optional(v.unknown()) }), reply.json()).metadata;
}

/** The status decides; the server's sentence becomes part of ours. */
function failureOf(reply: Reply, { what }: Ask): Failure {
  const { status } = reply;
  const message = messageOf(reply);
  const text = `Could not ${what}: Incus answered ${status}`;
  if (message === undefined) {
    const advice = 'There is no API of Incus or LXD at this address: check the url';
    return new Failure('config', text, { remote: { status }, outage: true, advice });
  }
  const remote = { status, message };
  if (status !== 401 && status !== 403) {
    return new Failure(kindOf(status, message), `${text} ${message}`, { remote });
  }
  return new Failure('denied', `${text} ${message}`, {
    ...{ remote, outage: true },
    advice: 'Incus does not trust the client certificate, or only for other projects',
  });
}

/** Not "not found": the thing that the task was about may be there, changed or not. */
function forgotten(what: string): never {
  throw new Failure('upstream', `Could not ${what}: the server has forgotten the task`, {
    advice: 'The server was restarted, or stopped waiting: its log says how the task ended',
  });
}

/** Refusals that say that another request was first. */
const conflicts =
  /already exists|UNIQUE constraint|already running|already stopped|is busy|is running|already frozen|matching non-reusable operation/i;

function kindOf(status: number, message: string): FailureKind {
  if (status === 404) return 'not-found';
  if (status === 409 || status === 412 || conflicts.test(message)) return 'conflict';
  return status >= 502 && status <= 504 ? 'unreachable' : 'upstream';
}

function operationFailure(what: string, err: string): Failure {
  const kind = /not found/i.test(err) ? 'not-found' : kindOf(400, err);
  return new Failure(kind, `Could not ${what}: ${err}`, { remote: { exit: err, message: err } });
}

/** The sentence of an error as Incus and LXD send it; `undefined` for an answer of another program. */
function messageOf(reply: Reply): string | undefined {
  try {
    return read(v.object({ error: v.string() }), JSON.parse(reply.text)).error.slice(0, 500);
  } catch {
    return undefined;
  }
}
