import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent, request as secureRequest } from 'node:https';
import { connectionIn, keepAsTheServerDoes } from '../client.ts';
import type { Cluster, Logged } from '../index.ts';
import type { Recorded } from './recorded.ts';

export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly text: string;
  readonly connection: readonly string[];
  json(): { data?: unknown; errors?: Record<string, string>; message?: string };
}

const secret = '11111111-2222-3333-4444-555555555555';

export function formOf(form: Readonly<Record<string, string>> | undefined): {
  readonly body?: string;
} {
  return form === undefined
    ? {}
    : { body: new URLSearchParams(form).toString().replace(/\+/g, ' ') };
}

/** Handshakes are most of what a replay costs; sessions are taken up again. */
const agent = new Agent({ keepAlive: true });

type Asked = Pick<Recorded, 'method' | 'path' | 'headers' | 'body' | 'plain' | 'title'>;

export function perform(
  cluster: Cluster,
  call: Asked,
  upids: ReadonlyMap<string, string>,
  login: Readonly<Record<string, string>>,
): Promise<Reply> {
  const headers = headersOf(call, login);
  const body = bodyOf(call, headers);
  const endpoint = cluster.endpoints[0] ?? '';
  const url = `${call.plain === true ? endpoint.replace('https', 'http') : endpoint}${translated(call.path, upids)}`;
  const secure = { agent, rejectUnauthorized: false };
  const options = { method: call.method, headers };
  const before = cluster.requests.length;
  const answer = new Promise<Reply>((resolve, reject) => {
    const request =
      call.plain === true
        ? plainRequest(url, options)
        : secureRequest(url, { ...options, ...secure });
    request.on('error', reject);
    request.on('response', (response) => {
      keepAsTheServerDoes(request, response.rawHeaders);
      resolve(readReply(response));
    });
    request.end(body);
  });
  return passTimeUntil(cluster, answer, () => cluster.requests[before]);
}

/** The clock stands still; it moves only while the server has the request and waits for time. */
async function passTimeUntil(
  cluster: Cluster,
  answer: Promise<Reply>,
  logged: () => Logged | undefined,
): Promise<Reply> {
  let over = false;
  const done = answer.finally(() => {
    over = true;
  });
  for (let idle = 0; !over; idle += 1) {
    await new Promise(setImmediate);
    const working = logged() !== undefined && logged()?.status === undefined;
    if (!working) idle = 0;
    if (idle > 20) await cluster.clock.step();
  }
  return done;
}

/** Recorded UPIDs in paths, encoded or not, become those of the fake. */
export function translated(path: string, upids: ReadonlyMap<string, string>): string {
  let text = path;
  for (const [recorded, faked] of upids) {
    text = text.replaceAll(encode(recorded), encode(faked)).replaceAll(recorded, faked);
  }
  return text;
}

/** Recorded with everything encoded but letters and digits. */
function encode(upid: string): string {
  return encodeURIComponent(upid).replaceAll('!', '%21');
}

function headersOf(call: Asked, login: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = { Authorization: `PVEAPIToken=root@pam!test=${secret}` };
  for (const [name, value] of Object.entries(call.headers ?? {})) {
    if (name.toLowerCase() === 'authorization') delete headers['Authorization'];
    headers[name] = value;
  }
  if (headers['Authorization'] === 'None') delete headers['Authorization'];
  // A text that the recording cut short stands for the ticket of the login before it.
  if (headers['Cookie']?.includes('…') === true) {
    headers['Cookie'] = `PVEAuthCookie=${encodeURIComponent(login['ticket'] ?? '')}`;
  }
  if (/^[0-9A-F]{8}:/.test(headers['CSRFPreventionToken'] ?? '')) {
    headers['CSRFPreventionToken'] = login['csrf'] ?? '';
  }
  if (call.title?.includes('URL-encoded (%21') === true) {
    headers['Authorization'] = `PVEAPIToken=root@pam%21test=${secret}`;
  }
  // The recorded secret has no letters, so another one has to do for its upper case.
  if (call.title === 'token with upper-case secret') {
    headers['Authorization'] = `PVEAPIToken=root@pam!test=${secret.replace('1', 'A')}`;
  }
  return headers;
}

/** Bodies are kept decoded; they go out as the recorder sent them. */
function bodyOf(call: Asked, headers: Record<string, string>): string | undefined {
  const { body } = call;
  const text = typeof body === 'object' ? body.repeat.padEnd(body.bytes, 'x') : body;
  if (text === undefined) return undefined;
  const type = headers['Content-Type'] ?? (text.startsWith('{') ? 'application/json' : undefined);
  headers['Content-Type'] = type ?? 'application/x-www-form-urlencoded';
  const raw = type === undefined || type.includes('urlencoded') ? encoded(text) : text;
  const sent = type?.startsWith('multipart') === true ? raw.replace(/\r?\n/g, '\r\n') : raw;
  if (headers['Transfer-Encoding'] === undefined) {
    headers['Content-Length'] = String(Buffer.byteLength(sent));
  }
  return sent;
}

function encoded(form: string): string {
  const pairs = form.split('&').map((pair) => pair.split(/=(.*)/s).slice(0, 2));
  return pairs.map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`).join('&');
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const text =
    response.headers['content-encoding'] === 'gzip'
      ? (await import('node:zlib')).gunzipSync(raw).toString()
      : raw.toString();
  const connection = connectionIn(response.rawHeaders);
  const reason = Buffer.from(response.statusMessage ?? '', 'latin1').toString();
  return {
    status: response.statusCode ?? 0,
    reason,
    text,
    connection,
    json: () => JSON.parse(text),
  };
}
