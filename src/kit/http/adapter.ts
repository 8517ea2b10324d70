import type { Agent } from 'node:http';
import { type Connect, connectPlain, connectTls } from './connect.ts';
import { exchange, type HttpRequest, type Init, type Pool } from './exchange.ts';
import type { HttpResponse } from './response.ts';
import type { Verifier } from './tls.ts';

export interface Adapter {
  /** The whole answer with any status; each transport error is a Failure that knows `sent`. */
  fetch(url: string, init: Init): Promise<HttpResponse>;
  close(): void;
}

/** A fetch over node:https that keeps its connections; loads its modules with the first request. */
export function createAdapter(verifier: Verifier, maxBytes: number): Adapter {
  const pools = new Map<boolean, Promise<Pool>>();
  const poolFor = (secure: boolean): Promise<Pool> => {
    const pool = pools.get(secure) ?? (secure ? securePool(verifier) : plainPool());
    pools.set(secure, pool);
    return pool;
  };
  return {
    fetch: async (url, init) => exchange(await poolFor(init.endpoint.secure), url, init, maxBytes),
    close() {
      for (const pool of pools.values()) {
        pool.then(({ agent }) => agent.destroy()).catch(() => {});
      }
    },
  };
}

async function securePool(verifier: Verifier): Promise<Pool> {
  const { Agent, request } = await import('node:https');
  return { agent: openedBy(new Agent({ keepAlive: true }), await connectTls(verifier)), request };
}

async function plainPool(): Promise<Pool> {
  const { Agent, request } = await import('node:http');
  return { agent: openedBy(new Agent({ keepAlive: true }), await connectPlain()), request };
}

function openedBy(agent: Agent, connect: Connect): Agent {
  return Object.assign(agent, {
    createConnection: ({ opening }: HttpRequest, done: Parameters<Connect>[1]) =>
      connect(opening, done),
  });
}
