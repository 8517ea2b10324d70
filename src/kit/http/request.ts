import { Failure } from '../../failure.ts';
import { encodePairs, type Pairs } from './address.ts';

/** The body of a request: at most one of `json`, `form` and `body`. */
export interface Content {
  readonly query?: Pairs;
  readonly json?: unknown;
  readonly form?: Pairs;
  readonly body?: { readonly type: string; readonly content: string | Buffer };
  readonly headers?: Readonly<Record<string, string>>;
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request as it goes out, to whichever endpoint. */
export interface HttpRequest {
  readonly method: Method;
  readonly path: string;
  /** The path with the query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Doing it twice is as good as doing it once. */
  readonly safe: boolean;
}

/** Mistakes of the caller are `internal`: no setting and no tenant can cause them. */
export function createRequest(method: Method, path: string, content: Content): HttpRequest {
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[?#]/.test(path)) {
    throw new Failure('internal', `"${path}" is not the path of a request`);
  }
  const safe = method === 'GET' || method === 'HEAD';
  const bodies = bodiesOf(content);
  const [body] = bodies;
  if (bodies.length > 1 || (body !== undefined && (safe || method === 'DELETE'))) {
    throw new Failure('internal', `${method} ${path} cannot carry ${bodies.length} bodies`, {
      advice: 'GET, HEAD and DELETE take their parameters in the query',
    });
  }
  const query = content.query === undefined ? '' : encodePairs(content.query);
  return {
    method,
    path,
    target: query === '' ? path : `${path}?${query}`,
    headers: {
      ...(body === undefined ? {} : { 'content-type': body.type }),
      ...content.headers,
    },
    // Text already, for ofetch leaves objects with certain keys as they are.
    ...(body === undefined ? {} : { body: body.content }),
    safe,
  };
}

function bodiesOf({ json, form, body }: Content): NonNullable<Content['body']>[] {
  return [
    ...(json === undefined ? [] : [{ type: 'application/json', content: JSON.stringify(json) }]),
    ...(form === undefined
      ? []
      : [{ type: 'application/x-www-form-urlencoded', content: encodePairs(form) }]),
    ...(body === undefined ? [] : [body]),
  ];
}
