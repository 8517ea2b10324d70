import type { ClientRequest } from 'node:http';
import { Agent, request } from 'node:https';
import type { Cluster } from './index.ts';

/** An answer with its parts taken out of the body. */
export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly text: string;
  readonly data: unknown;
  readonly errors?: Record<string, string>;
  readonly message?: string;
  readonly connection: readonly string[];
}

/** The least that is needed to talk to the fake, for tests of the fake itself. */
export interface Client {
  call(method: string, path: string, params?: Readonly<Record<string, string>>): Promise<Reply>;
  /** A body of another type than a form. */
  send(path: string, type: string, body: Buffer): Promise<Reply>;
  /** Starts something, waits for its task and answers how that ended. */
  task(method: string, path: string, params?: Readonly<Record<string, string>>): Promise<string>;
  close(): void;
}

export function clientFor(
  cluster: Cluster,
  { token = 'root@pam!test', node = 0 }: { readonly token?: string; readonly node?: number } = {},
): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const authorization = `PVEAPIToken=${cluster.tokens.get(token) ?? token}`;
  const call: Client['call'] = (method, path, params) => {
    const body = method === 'GET' || method === 'DELETE' ? undefined : formOf(params);
    const query = body === undefined && params !== undefined ? `?${formOf(params)}` : '';
    return ask(method, `${path}${query}`, urlencoded, body);
  };
  const ask = (method: string, path: string, type: string, body: string | Buffer | undefined) => {
    const length = String(Buffer.byteLength(body ?? ''));
    const headers = {
      authorization,
      ...(body === undefined ? {} : { 'content-type': type, 'content-length': length }),
    };
    const url = `${cluster.endpoints[node]}/api2/json${path}`;
    return new Promise<Reply>((resolve, reject) => {
      const sending = request(url, { method, headers, agent, rejectUnauthorized: false });
      sending.on('error', reject);
      sending.on('response', (response) => {
        const chunks: Buffer[] = [];
        keepAsTheServerDoes(sending, response.rawHeaders);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const head = { status: response.statusCode ?? 0, reason: response.statusMessage ?? '' };
          resolve(replyOf(head, Buffer.concat(chunks).toString(), response.rawHeaders));
        });
      });
      sending.end(body);
    });
  };
  return {
    call,
    send: (path, type, body) => ask('POST', path, type, body),
    async task(method, path, params) {
      const reply = await call(method, path, params);
      if (reply.status !== 200)
        throw new Error(`${method} ${path}: ${reply.status} ${reply.reason}`);
      const task = cluster.state.tasks.find(String(reply.data));
      if (task === undefined) throw new Error(`${method} ${path} started no task`);
      await task.ended;
      return task.exit ?? '';
    },
    close: () => agent.destroy(),
  };
}

/** A relayed answer says `close` and then `Keep-Alive`; Node believes the first, wrongly. */
export function keepAsTheServerDoes(sending: ClientRequest, rawHeaders: readonly string[]): void {
  if (connectionIn(rawHeaders).at(-1) === 'Keep-Alive') sending.shouldKeepAlive = true;
}

/** The Connection headers in their order. */
export function connectionIn(rawHeaders: readonly string[]): string[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && name === 'Connection' ? [rawHeaders[index + 1] ?? ''] : [],
  );
}

const urlencoded = 'application/x-www-form-urlencoded';

function formOf(params: Readonly<Record<string, string>> = {}): string {
  return new URLSearchParams(params).toString();
}

function replyOf(
  head: { readonly status: number; readonly reason: string },
  text: string,
  rawHeaders: readonly string[],
): Reply {
  const body = (text.startsWith('{') ? JSON.parse(text) : {}) as Partial<Reply>;
  return { data: undefined, ...body, ...head, text, connection: connectionIn(rawHeaders) };
}
