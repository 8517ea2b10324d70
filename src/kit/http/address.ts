import { Failure } from '../../failure.ts';

/** The base URL of one server, taken apart. */
export interface Endpoint {
  /** As texts and logs show it, without a slash at the end. */
  readonly url: string;
  readonly secure: boolean;
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host:port` as certificates and people mean it. */
  readonly authority: string;
  /** The part of the path that every request begins with; empty for most. */
  readonly prefix: string;
}

interface Rules {
  readonly title: string;
  readonly allowPlainHttp?: boolean;
}

/** Takes a base URL apart; fails with `config` and never repeats credentials found in it. */
export function readEndpoint(text: string, { title, allowPlainHttp = false }: Rules): Endpoint {
  // Plain searches: every pattern would cost its compiling once in every call.
  if (text.includes('@')) {
    throw new Failure('config', `The address of ${title} holds a user name or a password`, {
      advice: 'Put credentials into their own settings',
    });
  }
  const reject = (why: string, advice: string): Failure =>
    new Failure('config', `The address "${text}" of ${title} ${why}`, { advice });
  const url = parse(text);
  const secure = url?.protocol === 'https:';
  if (url === undefined || (!secure && url.protocol !== 'http:')) {
    throw reject('is not an http(s) URL', 'Write it like https://server.example.org:443');
  }
  if (!secure && !allowPlainHttp) {
    throw reject('is plain http, which would send secrets in the clear', 'Use https://');
  }
  if (text.includes('?') || text.includes('#')) {
    throw reject('has a query or a fragment', 'Leave out everything from the first ? or # on');
  }
  return endpointOf(url, secure);
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function endpointOf({ protocol, host, hostname, pathname, port }: URL, secure: boolean): Endpoint {
  const number = port === '' ? (secure ? 443 : 80) : Number(port);
  let prefix = pathname;
  while (prefix.endsWith('/')) prefix = prefix.slice(0, -1);
  return {
    url: `${protocol}//${host}${prefix}`,
    secure,
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: number,
    authority: `${hostname}:${number}`,
    prefix,
  };
}

/** The pairs of a query or a form; a list repeats its key, `undefined` leaves it out. */
export type Pairs = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** `a=1&b=2`, with everything that is not plain percent-encoded; blanks as %20. */
export function encodePairs(pairs: Pairs): string {
  return Object.entries(pairs)
    .flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value])
        .filter((one) => one !== undefined)
        .map((one) => `${encode(key)}=${encode(String(one))}`),
    )
    .join('&');
}

/**
 * Writes a path whose parts cannot break out of their places: path`/nodes/${node}/qemu/${id}`.
 *
 * Fails with `usage` for a part that is empty, `.` or `..`.
 */
export function path(texts: TemplateStringsArray, ...parts: readonly (string | number)[]): string {
  return texts.reduce((before, text, i) => before + segment(String(parts[i - 1])) + text);
}

function segment(part: string): string {
  if (part === '' || part === '.' || part === '..') {
    throw new Failure('usage', `"${part}" cannot be part of a path on the remote system`);
  }
  return encode(part);
}

function encode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    throw new Failure('usage', 'A text for the remote system holds an unpaired surrogate');
  }
}
