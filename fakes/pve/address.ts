import type { IncomingMessage } from 'node:http';
import type { Node } from './state.ts';

export interface Place {
  readonly format: string;
  readonly rest: string;
}

/** `/api2/json//nodes/…` in its parts, decoded, double slashes made one. */
export function cleaned(pathname: string): Place {
  const [, format = '', rest = ''] = /^\/api2\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
  return {
    format,
    rest:
      decoded(rest)
        .replace(/\/{2,}/g, '/')
        .replace(/\/$/, '') || '/',
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function tokenOf(request: IncomingMessage): { readonly token?: string } {
  const [, token] = /^PVEAPIToken[= ]([^=]*)/.exec(request.headers.authorization ?? '') ?? [];
  return token === undefined ? {} : { token: decoded(token) };
}

export interface Asked {
  readonly served: Node;
  readonly url: URL;
  readonly path: Place;
  readonly method: string;
}
