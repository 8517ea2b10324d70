import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** An answer, in the shape in which the real daemon writes it. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
  readonly type?: string;
  /** It came through another daemon, which leaves its own Connection header in. */
  readonly relayed?: boolean;
  /** A success after which the connection is closed all the same. */
  readonly closes?: boolean;
}

/** Errors close the connection, successes keep it: so does the real one. `nowMs` is the node's own time. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  nowMs: number,
): void {
  const failed = answer.status >= 400 || answer.closes === true;
  const date = new Date(nowMs).toUTCString();
  const plain = Buffer.from(answer.body);
  const gzip = wantsGzip(request) && plain.length > 1024;
  const body = gzip ? gzipSync(plain) : plain;
  const headers: (readonly [string, string])[] = [
    ['Cache-Control', 'max-age=0'],
    ...(answer.relayed === true && !failed ? ([['Connection', 'close']] as const) : []),
    ['Connection', failed ? 'close' : 'Keep-Alive'],
    ['Date', date],
    ['Pragma', 'no-cache'],
    ['Server', 'pve-api-daemon/3.0'],
    ...(gzip ? ([['Content-Encoding', 'gzip']] as const) : []),
    ['Content-Length', String(body.length)],
    ...(answer.type === undefined ? [] : [['Content-Type', answer.type] as const]),
    ['Expires', date],
  ];
  response.shouldKeepAlive = !failed;
  response.sendDate = false;
  response.writeHead(answer.status, latin(answer.reason), headers.flat());
  // Node would take the relayed `close` for its own and hang up.
  if (!failed) Object.assign(response, { _last: false });
  response.end(body);
}

/** The reason phrase goes out as UTF-8 bytes, one character for each. */
function latin(text: string): string {
  return Buffer.from(text.split('\n', 1)[0] ?? '')
    .toString('latin1')
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, ' ');
}

function wantsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
}

/** The largest body that is read. */
export const maxBody = 512 * 1024;

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
