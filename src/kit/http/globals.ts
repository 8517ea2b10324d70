import { Failure } from '../../failure.ts';

/*
 * The build puts these in place of the globals of the same names. Reading one of the real ones loads
 * undici, which costs more than everything else a call does; ofetch's core names them.
 */

/** The part of the platform's Headers that ofetch needs; it asks and sets by names in lower case. */
export type MiniHeaders = Map<string, string>;

function miniHeaders(init: Readonly<Record<string, string>> = {}): MiniHeaders {
  return new Map(Object.entries(init).map(([name, value]) => [name.toLowerCase(), value]));
}

/** `new MiniHeaders(init)`, since that is how ofetch makes them. */
export const MiniHeaders = miniHeaders as unknown as new () => MiniHeaders;

/** Nothing is an instance of it. */
export function MiniFormData(): void {}

function refused(): never {
  throw new Failure(
    'internal',
    "The platform's fetch and what belongs to it are not used here; the http kit is",
  );
}

export {
  MiniFormData as FormData,
  MiniFormData as 'globalThis.FormData',
  MiniHeaders as Headers,
  MiniHeaders as 'globalThis.Headers',
  refused as fetch,
  refused as 'globalThis.fetch',
  refused as Request,
  refused as 'globalThis.Request',
  refused as Response,
  refused as 'globalThis.Response',
  refused as AbortController,
  refused as 'globalThis.AbortController',
};
