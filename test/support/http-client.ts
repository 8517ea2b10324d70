import type { TestContext } from 'node:test';
import { authority } from '../../fakes/http/keys.ts';
import {
  type FakeServer,
  type Handler,
  type Place,
  startRawServer,
  startServer,
} from '../../fakes/http/server.ts';
import { Failure } from '../../src/failure.ts';
import { createDeadline, type DeadlineControl } from '../../src/kit/deadline.ts';
import { createHttp, type Http, type HttpOptions } from '../../src/kit/http/client.ts';

/** A deadline from now on. */
export function deadlineIn(ms: number): DeadlineControl {
  return createDeadline(() => performance.now(), {
    endMs: performance.now() + ms,
    undoEndMs: performance.now() + ms + 500,
  });
}

/** A client that trusts the test authority and has ten seconds, unless said otherwise. */
export function clientOf(
  servers: readonly Pick<FakeServer, 'url'>[],
  options: Partial<HttpOptions> = {},
): Http {
  return createHttp({
    title: 'Test system',
    endpoints: servers.map(({ url }) => url),
    tls: { verify: true, fingerprints: [], ca: authority() },
    deadline: deadlineIn(10_000),
    log: () => {},
    ...options,
  });
}

/** A server that is gone after the test. */
export async function serve(t: TestContext, handle: Handler, place?: Place): Promise<FakeServer> {
  const server = await startServer(handle, place);
  t.after(server.close);
  return server;
}

/** A scripted server that is gone after the test. */
export async function serveRaw(
  t: TestContext,
  handle: Parameters<typeof startRawServer>[0],
  place?: Place,
): Promise<FakeServer> {
  const server = await startRawServer(handle, place);
  t.after(server.close);
  return server;
}

/** An address of this machine where nobody listens. */
export async function nobody(): Promise<{ readonly url: string }> {
  const server = await startServer(() => {});
  await server.close();
  return { url: server.url };
}

/** The failure that the work ends with. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('the work succeeded');
}
