import { Failure } from '../../failure.ts';

/*
 * What the build puts in place of the globals of these names. Reading one of the real ones loads
 * undici, which costs more than everything else a call does; ofetch's core names them.
 */

type Pairs = Iterable<readonly [string, string]>;

/** The part of the platform's Headers that ofetch and our adapter use; names in lower case. */
export interface MiniHeaders extends Pairs {
  get(name: string): string | null;
  has(name: string): boolean;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
  entries(): IterableIterator<[string, string]>;
}

type HeadersInit = Pairs | Readonly<Record<string, string>>;

function miniHeaders(init: HeadersInit = {}): MiniHeaders {
  const values = new Map<string, string>();
  const headers: MiniHeaders = {
    get: (name) => values.get(name.toLowerCase()) ?? null,
    has: (name) => values.has(name.toLowerCase()),
    set: (name, value) => void values.set(name.toLowerCase(), String(value)),
    append(name, value) {
      const before = headers.get(name);
      headers.set(name, before === null ? value : `${before}, ${value}`);
    },
    delete: (name) => void values.delete(name.toLowerCase()),
    entries: () => values.entries(),
    [Symbol.iterator]: () => values.entries(),
  };
  const pairs = Symbol.iterator in init ? (init as Pairs) : Object.entries(init);
  for (const [name, value] of pairs) headers.append(name, value);
  return headers;
}

/** `new MiniHeaders(init)`, since that is how ofetch makes them. */
export const MiniHeaders = miniHeaders as unknown as new (init?: HeadersInit) => MiniHeaders;

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
