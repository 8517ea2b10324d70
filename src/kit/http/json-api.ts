import type { Context, Deadline } from '../../contract/context.ts';
import { Failure } from '../../failure.ts';
import type { Pairs } from './address.ts';
import { createHttp } from './client.ts';
import type { Reply } from './reply.ts';
import type { Method } from './request.ts';
import type { Tls } from './tls.ts';

export interface JsonApiOptions extends Pick<Context, 'deadline' | 'log'> {
  /** The remote system's name in texts. */
  readonly title: string;
  readonly url: string;
  readonly tls: Tls;
  /** Sent with every request, such as a token. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Ask {
  /** Completes "Could not ..." in a failure, such as `remove machine 7`. */
  readonly what: string;
  /** Ends the waiting, also while changes are taken back. */
  readonly deadline: Deadline;
  readonly query?: Pairs;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The path names one thing, so that 404 says that this thing is gone and not the API. */
  readonly one?: boolean;
}

/** A remote system that speaks JSON over HTTPS: its answers are successes, all else is thrown. */
export interface JsonApi {
  send(method: Method, path: string, ask: Ask): Promise<unknown>;
  close(): void;
}

export function createJsonApi({ title, url, ...options }: JsonApiOptions): JsonApi {
  const http = createHttp({ title, endpoints: [url], ...options });
  return {
    close: http.close,
    async send(method, path, { what, one = false, ...content }) {
      const reply = await http.request(method, path, content);
      if (reply.status >= 300) throw failureOf(title, reply, what, one);
      return reply.text === '' ? undefined : reply.json();
    },
  };
}

/** The status decides; what the remote system wrote becomes part of the sentence. */
function failureOf(title: string, reply: Reply, what: string, one: boolean): Failure {
  const { status, reason } = reply;
  const message = reply.text.replace(/[^!-~\u00a1-\uffff]+/g, ' ').slice(0, 300);
  const text = `Could not ${what}: ${title} answered ${status} ${reason} ${message}`.trim();
  const remote = { status, message };
  if (status === 401) {
    return new Failure('denied', text, { remote, outage: true, advice: 'Check the credentials' });
  }
  if (status === 403) {
    return new Failure('denied', text, { remote, advice: 'The account lacks a right for this' });
  }
  if (status === 404 && one) return new Failure('not-found', text, { remote });
  if (status === 404 || status < 400) {
    const advice = `There is no API of ${title} at this address: check the url`;
    return new Failure('config', text, { remote, outage: true, advice });
  }
  if (status === 409 || status === 412) return new Failure('conflict', text, { remote });
  return new Failure(status >= 502 && status <= 504 ? 'unreachable' : 'upstream', text, { remote });
}
